internal import PenstockBytes
internal import PenstockPatterns

/// The kinds of values that keys have.
enum Kind {
    /// A scalar that `parse` understands.
    static func parsed<Value>(
        _ type: String,
        _ expectation: String,
        schema: JSONValue,
        show: @escaping @Sendable (Value) -> JSONValue?,
        parse: @escaping @Sendable (String) throws(Complaint) -> Value
    ) -> ValueKind<Value> {
        ValueKind(
            type: type,
            expectation: expectation,
            schema: schema,
            read: { node, reader in
                guard let text = reader.text(node, expectation) else { return nil }
                do throws(Complaint) {
                    return try parse(text.value)
                } catch {
                    reader.refuse(text, error)
                    return nil
                }
            },
            show: show
        )
    }

    /// A scalar in the grammar of patterns and templates.
    static func pattern<Value>(
        _ type: String,
        _ expectation: String,
        schema: JSONValue,
        show: @escaping @Sendable (Value) -> JSONValue?,
        parse: @escaping @Sendable (String) throws(PatternError) -> Value
    ) -> ValueKind<Value> {
        parsed(type, expectation, schema: schema, show: show) { (text) throws(Complaint) in
            do throws(PatternError) {
                return try parse(text)
            } catch {
                throw Complaint(error)
            }
        }
    }

    /// Any text.
    static let text = parsed("text", "a text", schema: textSchema, show: { .string($0) }) { (text) throws(Complaint) in
        text
    }

    /// A text of one line that is not empty.
    static let line = parsed("text", "a text", schema: lineSchema, show: { .string($0) }) { (text) throws(Complaint) in
        try visible(text)
    }

    /// A path, resolved against the file's folder.
    static let path = ValueKind<String>(
        type: "path",
        expectation: "a path",
        schema: lineSchema,
        read: { node, reader in line.read(node, &reader).map { reader.resolve($0, at: node.position) } },
        show: { .string($0) }
    )

    static let boolean = ValueKind<Bool>(
        type: "`true` or `false`",
        expectation: "true or false",
        schema: variable(or: ["type": "boolean"], quoted: "true|false"),
        read: { node, reader in
            guard let text = reader.text(node, "true or false") else { return nil }
            if text.value == "true" { return true }
            if text.value == "false" { return false }
            reader.refuse(text, Complaint("is neither true nor false", hint: booleanHint(text.value)))
            return nil
        },
        show: { .bool($0) }
    )

    /// One of a few words.
    static func choice<Value>(_ type: Value.Type) -> ValueKind<Value>
    where Value: RawRepresentable<String> & CaseIterable & Sendable {
        let words = Value.allCases.map(\.rawValue)
        let choices = words.map { "`\($0)`" }.joined(separator: ", ")
        return parsed(
            choices,
            words.count == 1 ? "'\(words[0])'" : "one of \(words.joined(separator: ", "))",
            schema: variable(or: ["enum": .array(words.map { .string($0) })]),
            show: { .string($0.rawValue) },
            parse: { (text) throws(Complaint) in
                if let value = Value(rawValue: text) { return value }
                let near = suggestion(for: text, among: words).map { "did you mean '\($0)'?" }
                throw Complaint(
                    "is not \(words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))")",
                    hint: near
                )
            }
        )
    }

    /// A mapping with known keys.
    static func object<Draft, Value>(
        _ shape: Shape<Draft>,
        initial: Draft,
        build: @escaping @Sendable (Draft, Node, inout Reader) -> Value?
    ) -> ValueKind<Value> where Draft: Sendable {
        ValueKind(
            type: "mapping",
            expectation: shape.name,
            schema: shape.section.schema,
            section: shape.section,
            // One of several forms is no part of another.
            inheritance: shape.exactlyOne.isEmpty ? shape.inheritance : .whole,
            read: { node, reader in
                var draft = initial
                guard shape.read(node, into: &draft, &reader) else { return nil }
                return build(draft, node, &reader)
            },
            show: { _ in nil }
        )
    }

    /// A mapping with known keys that is its own draft.
    static func object<Value: Sendable>(_ shape: Shape<Value>, initial: Value) -> ValueKind<Value> {
        object(shape, initial: initial) { draft, _, _ in draft }
    }

    /// A mapping with keys of the file's choice.
    ///
    /// - Parameters:
    ///   - what: what the keys are, for "expected a mapping of ...".
    ///   - key: what a key must be.
    ///   - value: what a value must be.
    ///   - visit: is shown every key, those of values with errors too.
    /// - Returns: keys and values in the file's order.
    static func map<Key, Value>(
        of what: String,
        key: ValueKind<Key>,
        _ value: ValueKind<Value>,
        visit: @escaping @Sendable (String, inout Reader) -> Void = { _, _ in }
    ) -> ValueKind<[(Located<Key>, Value)]> {
        ValueKind<[(Located<Key>, Value)]>(
            type: "mapping of \(what)",
            expectation: "a mapping of \(what)",
            schema: ["type": "object", "propertyNames": key.schema, "additionalProperties": value.schema],
            section: value.section,
            inheritance: .names,
            read: { node, reader in
                guard case .mapping(let entries) = node.content else {
                    reader.mismatch(node, "a mapping of \(what)")
                    return nil
                }
                var result: [(Located<Key>, Value)] = []
                for entry in entries where entry.key.value != Composer.mergeKey {
                    visit(entry.key.value, &reader)
                    let scalar = Node.Scalar(text: entry.key.value, isPlain: false, isKey: true)
                    let keyNode = Node(content: .scalar(scalar), position: entry.key.position)
                    let name = key.read(keyNode, &reader)
                    if let value = value.read(entry.value, &reader), let name {
                        result.append((Located(name, at: entry.key.position), value))
                    }
                }
                return result
            },
            show: { _ in nil }
        )
    }

    static let textSchema: JSONValue = ["type": ["string", "number", "boolean"]]

    /// A text that is not empty.
    static let lineSchema: JSONValue = ["type": ["string", "number", "boolean"], "minLength": 1]

    /// What a value may also be: a text with a variable in it.
    static func variable(or schema: JSONValue) -> JSONValue {
        ["anyOf": [schema, anyVariable]]
    }

    /// What a value may also be: itself in quotes, or a text with a variable in it.
    static func variable(or schema: JSONValue, quoted pattern: String) -> JSONValue {
        ["anyOf": [schema, quoted(pattern), anyVariable]]
    }

    /// A text with a variable in it.
    static let anyVariable: JSONValue = ["$ref": "#/$defs/variable"]

    /// What is no text, in quotes: a pattern, because editors would propose a word of an enumeration.
    static func quoted(_ pattern: String) -> JSONValue { ["type": "string", "pattern": .string("^(\(pattern))$")] }

    /// Refuses what is empty or has control characters.
    static func visible(_ text: String) throws(Complaint) -> String {
        guard !text.isEmpty else { throw Complaint("is empty") }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw Complaint("has a control character")
        }
        return text
    }

    private static func booleanHint(_ text: String) -> String? {
        switch text.lowercased() {
        case "yes", "on", "y", "true", "1": "write true"
        case "no", "off", "n", "false", "0": "write false"
        default: nil
        }
    }
}
