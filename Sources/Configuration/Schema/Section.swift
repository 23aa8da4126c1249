internal import PenstockBytes

/// What reference and editors are told of a mapping.
struct Section: Sendable {
    /// For messages, such as `a route`.
    let name: String

    /// The heading of the reference, such as `routes[]`.
    let title: String

    let summary: String
    let rows: [Row]
    let exactlyOne: [String]
    let atLeastOne: [String]
    let needs: [(key: String, anyOf: [String])]

    /// What may stand in its place.
    private(set) var alternatives: [Section] = []

    /// The same, or another in its place.
    func or(_ other: Section) -> Section {
        var section = self
        section.alternatives.append(other)
        return section
    }

    /// Every section below this one.
    var inner: [Section] { rows.compactMap(\.section) + alternatives }

    /// A key.
    struct Row: Sendable {
        let key: String
        let type: String
        let summary: String
        let isRequired: Bool

        /// The default, as it would be written.
        let fallback: JSONValue?

        /// The default in words, where it is no fixed value.
        let fallbackWords: String?

        let schema: JSONValue

        // A section in a section: a list of one, because a struct cannot hold itself.
        private let sections: [Section]
        var section: Section? { sections.first }

        init(
            key: String,
            type: String,
            summary: String,
            isRequired: Bool,
            fallback: JSONValue?,
            fallbackWords: String?,
            schema: JSONValue,
            section: Section?
        ) {
            self.key = key
            self.type = type
            self.summary = summary
            self.isRequired = isRequired
            self.fallback = fallback
            self.fallbackWords = fallbackWords
            self.schema = schema
            sections = section.map { [$0] } ?? []
        }
    }
}
