internal import PenstockBytes

/// A value of the file as it was written, before the schema says what it means.
struct Node: Sendable {
    /// What a value is made of.
    enum Content: Sendable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
    }

    /// One text, not yet a number, a duration or anything else: the schema decides.
    struct Scalar: Sendable {
        let text: String

        /// Whether it stands without quotes, so that `true` and `null` may be more than words.
        let isPlain: Bool

        /// Whether it is a key, in which no variables are filled in.
        var isKey = false
    }

    /// A key and its value.
    struct Entry: Sendable {
        let key: Located<String>
        let value: Node
    }

    let content: Content

    /// Where it begins; of an alias, where the alias stands.
    let position: Position

    /// What it is, for a sentence that says what was found: `a list`.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "nothing" : "'\(scalar.text.excerpt)'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The keys and values; none where this is not a mapping.
    var entries: [Entry] {
        if case .mapping(let entries) = content { return entries }
        return []
    }

    /// The entry with this key, if there is one.
    func entry(_ key: String) -> Entry? { entries.first { $0.key.value == key } }
}

extension Node.Scalar {
    /// Whether YAML 1.2's core schema reads it as null.
    var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }
}
