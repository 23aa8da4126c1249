internal import PenstockBytes

/// A mapping with known keys: what `Draft` is filled from.
struct Shape<Draft: Sendable>: Sendable {
    /// For messages: `a route`.
    let name: String

    /// Every key.
    let fields: [Field<Draft>]

    /// Keys of which exactly one must be there.
    var exactlyOne: [String] = []

    /// Keys of which one must be there, or more.
    var atLeastOne: [String] = []

    /// Keys that have a meaning only beside one of others.
    var needs: [(key: String, anyOf: [String])] = []

    /// Keys that are each one's own, which no defaults have.
    var identity: Set<String> = []

    /// Keys that have no meaning here though they have elsewhere, and why.
    var elsewhere: [String: String] = [:]

    /// Every default.
    let initial: Draft

    /// The keys for reference and editors.
    let section: Section

    /// How the mapping is completed by one that holds where it says nothing: key by key.
    var inheritance: Inheritance {
        .keys(Dictionary(uniqueKeysWithValues: fields.map { ($0.key, $0.inheritance) }))
    }

    /// Declares a mapping.
    ///
    /// - Parameters:
    ///   - name: what it is, in messages: `a route`.
    ///   - title: its heading in the reference: `routes[]`.
    ///   - summary: what the reference says below the heading.
    ///   - initial: every default, read off the model itself.
    ///   - exactlyOne: keys of which exactly one must be there.
    ///   - atLeastOne: keys of which one must be there, or more.
    ///   - needs: keys that have a meaning only beside one of others.
    ///   - identity: keys that are each one's own, which no defaults have.
    ///   - elsewhere: keys that are refused here, with a reason of their own.
    ///   - fields: every key, in the order of the reference.
    init(
        _ name: String,
        title: String,
        summary: String,
        initial: Draft,
        exactlyOne: [String] = [],
        atLeastOne: [String] = [],
        needs: [(key: String, anyOf: [String])] = [],
        identity: Set<String> = [],
        elsewhere: [String: String] = [:],
        fields: [Field<Draft>]
    ) {
        self.name = name
        self.fields = fields
        self.exactlyOne = exactlyOne
        self.atLeastOne = atLeastOne
        self.needs = needs
        self.identity = identity
        self.elsewhere = elsewhere
        self.initial = initial
        section = Section(
            name: name,
            title: title,
            summary: summary,
            rows: fields.map { $0.row(initial) },
            exactlyOne: exactlyOne,
            atLeastOne: atLeastOne,
            needs: needs
        )
    }

    /// Reads a mapping into a draft.
    ///
    /// - Parameters:
    ///   - node: any node.
    ///   - draft: what is filled.
    ///   - reader: where errors go.
    /// - Returns: whether the node is a mapping, all required keys are there and as many of those that exclude
    ///   or stand for each other as there have to be. Keys whose value is wrong have been reported, and keep their default.
    func read(_ node: Node, into draft: inout Draft, _ reader: inout Reader) -> Bool {
        guard case .mapping(let entries) = node.content else {
            reader.mismatch(node, "\(name) (a mapping)")
            return false
        }
        // Keys that a misspelt one was probably meant for: that they are missing is not one error more.
        var meant: Set<String> = []
        for entry in entries {
            if entry.key.value == Composer.mergeKey {
                meant.formUnion(fields.map(\.key))
                for field in fields { reader.leaveUnread(field.key, of: node) }
            } else if let field = fields.first(where: { $0.key == entry.key.value }) {
                let errors = reader.errorCount
                field.read(entry.value, &draft, &reader)
                if reader.errorCount > errors { reader.leaveUnread(field.key, of: node) }
            } else {
                let key = reportUnknown(entry.key, &reader)
                if let key { meant.insert(key) }
                reader.leaveUnread(key ?? entry.key.value, of: node)
            }
        }
        let missing = fields.filter { $0.isRequired && node.entry($0.key) == nil }
        for field in missing where !meant.contains(field.key) {
            reader.error("\(name) needs '\(field.key)'", at: node.position)
        }
        reportNeeds(node, &reader)
        let isWhole = checkExactlyOne(node, meant, &reader) && missing.isEmpty
        return checkAtLeastOne(node, meant, &reader) && isWhole
    }

    /// Says that a key is not known here.
    ///
    /// - Returns: the key that was probably meant.
    private func reportUnknown(_ key: Located<String>, _ reader: inout Reader) -> String? {
        if let reason = elsewhere[key.value] {
            reader.error("'\(key.value)' cannot be set in \(name): \(reason)", at: key.position)
            return nil
        }
        let near = suggestion(for: key.value, among: fields.map(\.key))
        var hint = near.map { "did you mean '\($0)'?" }
        if hint == nil, let owner = Schema.owner(of: key.value) { hint = "it is a key of \(owner)" }
        reader.error("unknown key '\(key.value.excerpt)' in \(name)", at: key.position, hint: hint)
        return near
    }

    private func reportNeeds(_ node: Node, _ reader: inout Reader) {
        for need in needs where !need.anyOf.contains(where: { node.entry($0) != nil }) {
            // Where none of those that exclude each other is there, that is the error.
            guard let entry = node.entry(need.key), exactlyOne.contains(where: { node.entry($0) != nil }) else {
                continue
            }
            let others = alternatives(need.anyOf)
            reader.error("'\(need.key)' has a meaning only with \(others)", at: entry.key.position)
        }
    }

    private func checkExactlyOne(_ node: Node, _ meant: Set<String>, _ reader: inout Reader) -> Bool {
        guard !exactlyOne.isEmpty else { return true }
        let found = node.entries.filter { exactlyOne.contains($0.key.value) }
        guard found.count != 1 else { return true }
        let choices = alternatives(exactlyOne)
        if let second = found.dropFirst().first {
            reader.error(
                "'\(second.key.value)' beside '\(found[0].key.value)': \(name) has exactly one of \(choices)",
                at: second.key.position
            )
        } else if meant.isDisjoint(with: exactlyOne) {
            reader.error("\(name) needs one of \(choices)", at: node.position)
        }
        return false
    }

    private func checkAtLeastOne(_ node: Node, _ meant: Set<String>, _ reader: inout Reader) -> Bool {
        guard !atLeastOne.isEmpty, !atLeastOne.contains(where: { node.entry($0) != nil }) else { return true }
        if meant.isDisjoint(with: atLeastOne) {
            reader.error("\(name) needs \(alternatives(atLeastOne))", at: node.position)
        }
        return false
    }

    /// `'a', 'b' or 'c'`.
    private func alternatives(_ keys: [String]) -> String {
        let quoted = keys.map { "'\($0)'" }
        guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
        return "\(quoted.dropLast().joined(separator: ", ")) or \(last)"
    }
}

/// One key of a mapping: where it goes, what it may be, what it means.
struct Field<Draft>: Sendable {
    let key: String
    let isRequired: Bool

    /// Reads the key's value into the draft; it keeps its default after an error.
    let read: @Sendable (Node, inout Draft, inout Reader) -> Void

    /// The key's value in a draft, as it would be written, and where it was; `nil` where there is none.
    let value: @Sendable (Draft) -> (text: String, position: Position)?

    /// How its value is completed by one that holds where it says nothing.
    let inheritance: Inheritance

    /// The key for reference and editors, with the default of this draft.
    let row: @Sendable (Draft) -> Section.Row

    /// Declares a key.
    ///
    /// - Parameters:
    ///   - key: as it is written.
    ///   - path: where its value goes, and where its default is.
    ///   - kind: what it may be.
    ///   - summary: what it means, in a sentence.
    ///   - isRequired: whether it must be there.
    ///   - fallback: the default, where the draft does not say it.
    ///   - default: the default in words, where it is no fixed value.
    init<Value>(
        _ key: String,
        _ path: any WritableKeyPath<Draft, Value> & Sendable,
        _ kind: ValueKind<Value>,
        _ summary: String,
        isRequired: Bool = false,
        fallback: JSONValue? = nil,
        default: String? = nil
    ) {
        self.key = key
        self.isRequired = isRequired
        inheritance = kind.inheritance
        read = { node, draft, reader in
            if let value = kind.read(node, &reader) { draft[keyPath: path] = value }
        }
        value = { draft in
            guard let shown = kind.show(draft[keyPath: path]) else { return nil }
            let position = (draft[keyPath: path] as? any Placed)?.position ?? .unwritten
            return (shown.string ?? shown.jsonText, position)
        }
        row = { draft in
            Section.Row(
                key: key,
                type: kind.type,
                summary: summary,
                isRequired: isRequired,
                fallback: isRequired || `default` != nil ? nil : fallback ?? kind.show(draft[keyPath: path]),
                fallbackWords: `default`,
                schema: kind.schema,
                section: kind.section
            )
        }
    }
}

extension Field {
    private init(
        key: String,
        isRequired: Bool,
        read: @escaping @Sendable (Node, inout Draft, inout Reader) -> Void,
        value: @escaping @Sendable (Draft) -> (text: String, position: Position)?,
        inheritance: Inheritance,
        row: @escaping @Sendable (Draft) -> Section.Row
    ) {
        self.key = key
        self.isRequired = isRequired
        self.read = read
        self.value = value
        self.inheritance = inheritance
        self.row = row
    }

    /// The same key of a mapping whose draft has this one's in it.
    func inside<Outer>(_ path: any WritableKeyPath<Outer, Draft> & Sendable) -> Field<Outer> {
        Field<Outer>(
            key: key,
            isRequired: isRequired,
            read: { [read] node, outer, reader in read(node, &outer[keyPath: path], &reader) },
            value: { [value] outer in value(outer[keyPath: path]) },
            inheritance: inheritance,
            row: { [row] outer in row(outer[keyPath: path]) }
        )
    }
}
