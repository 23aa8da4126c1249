internal import PenstockBytes

/// What a key's value may be: how it is read, described and shown.
struct ValueKind<Value>: Sendable {
    /// For the reference: `duration`.
    let type: String

    /// For "expected ..., found ...": `a duration such as 3s`.
    let expectation: String

    /// For editors.
    var schema: JSONValue

    /// The keys inside it, where it is a mapping.
    var section: Section?

    /// How a value is completed by one that holds where it says nothing.
    var inheritance = Inheritance.whole

    /// Reads a node; `nil` after an error.
    let read: @Sendable (Node, inout Reader) -> Value?

    /// How a value is written in the file, for defaults; `nil` where it is not written at all.
    let show: @Sendable (Value) -> JSONValue?

    /// The kind of a key as a value, in which variables are filled in.
    var interpolated: Self {
        var kind = self
        kind.schema = Kind.variable(or: schema)
        return kind
    }

    /// The kind, completed in another way.
    func inherited(_ inheritance: Inheritance) -> Self {
        var kind = self
        kind.inheritance = inheritance
        return kind
    }

    /// The value with its place.
    var located: ValueKind<Located<Value>> {
        transformed(show: { $0.value }, { value, node, _ in Located(value, at: node.position) })
    }

    /// The value where it may be missing.
    var optional: ValueKind<Value?> {
        ValueKind<Value?>(
            type: type,
            expectation: expectation,
            schema: schema,
            section: section,
            inheritance: inheritance,
            read: { [read] node, reader in read(node, &reader).map(Optional.some) },
            show: { [show] value in value.flatMap(show) }
        )
    }

    /// The value, or a word that stands for there being none, such as `none`.
    ///
    /// - Parameters:
    ///   - word: the word.
    ///   - evenQuoted: whether it is that in quotes too; not where any text is a value.
    /// - Returns: the kind of values that may be missing.
    func or(_ word: String, evenQuoted: Bool = true) -> ValueKind<Value?> {
        let choices: [JSONValue] =
            if word == "false" {
                [["const": false]] + (evenQuoted ? [Kind.quoted(word), Kind.anyVariable] : [])
            } else {
                [["const": .string(word)]]
            }
        return ValueKind<Value?>(
            type: "\(type) or `\(word)`",
            expectation: "\(expectation) or '\(word)'",
            schema: ["anyOf": .array(choices + [schema])],
            section: section,
            inheritance: inheritance,
            read: { [read, expectation] node, reader in
                if case .scalar = node.content {
                    guard let text = reader.text(node, "\(expectation) or '\(word)'") else { return nil }
                    if evenQuoted ? text.value == word : text.isWord(word) { return .some(nil) }
                }
                return read(node, &reader).map(Optional.some)
            },
            show: { [show] value in
                guard let value else { return word == "false" ? false : .string(word) }
                return show(value)
            }
        )
    }

    /// The value as a scalar, or written as a mapping.
    func or(_ mapping: ValueKind<Value>) -> ValueKind<Value> {
        ValueKind<Value>(
            type: "\(type) or mapping",
            expectation: "\(expectation) or a mapping",
            schema: ["anyOf": [schema, mapping.schema]],
            section: mapping.section,
            inheritance: mapping.inheritance,
            read: { [read] node, reader in
                if case .mapping = node.content { return mapping.read(node, &reader) }
                return read(node, &reader)
            },
            show: show
        )
    }

    /// One value, or a list of them.
    var list: ValueKind<[Value]> { list(schema: ["type": "array", "items": schema], whereEmpty: nil) }

    /// One value, or a list of at least one.
    ///
    /// - Parameter hint: what to do instead of writing an empty list.
    /// - Returns: the kind of such lists.
    func list(notEmpty hint: String) -> ValueKind<[Value]> {
        list(schema: ["type": "array", "items": schema, "minItems": 1], whereEmpty: hint)
    }

    private func list(schema listSchema: JSONValue, whereEmpty hint: String?) -> ValueKind<[Value]> {
        ValueKind<[Value]>(
            type: "list of \(type)s",
            expectation: "a list of \(type)s",
            schema: ["anyOf": [schema, listSchema]],
            section: section,
            read: { [read] node, reader in
                guard case .sequence(let elements) = node.content else { return read(node, &reader).map { [$0] } }
                if elements.isEmpty, let hint {
                    reader.error("an empty list", at: node.position, hint: hint)
                    return nil
                }
                // The good ones are kept beside an error, so that later checks see them.
                return elements.compactMap { read($0, &reader) }
            },
            show: { [show] values in .array(values.compactMap(show)) }
        )
    }

    /// The value made into another.
    func transformed<Other>(
        show: @escaping @Sendable (Other) -> Value?,
        _ transform: @escaping @Sendable (Value, Node, inout Reader) -> Other?
    ) -> ValueKind<Other> {
        ValueKind<Other>(
            type: type,
            expectation: expectation,
            schema: schema,
            section: section,
            inheritance: inheritance,
            read: { [read] node, reader in
                guard let value = read(node, &reader) else { return nil }
                return transform(value, node, &reader)
            },
            show: { [own = self.show] other in show(other).flatMap(own) }
        )
    }
}
