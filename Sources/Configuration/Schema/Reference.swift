internal import PenstockBytes

extension Configuration {
    /// The reference of routes.yaml: Markdown, every key with type, default and meaning.
    ///
    /// - Parameter level: the level of its headings, 1...6.
    /// - Returns: sections from the file's own keys down.
    public static func reference(headingLevel level: Int = 3) -> String {
        var text = introduction
        var seen: Set<String> = []
        var sections = [Schema.shape.section]
        while !sections.isEmpty {
            let section = sections.removeFirst()
            guard seen.insert(section.title).inserted else { continue }
            text += "\n" + section.markdown(level: level)
            // Depth first: what is inside a mapping follows it.
            sections = section.inner + sections
        }
        return text
    }

    private static let introduction = """
        Keys are `snake_case`, and one that is not known is an error. Durations are whole numbers with a unit: `250ms`,
        `3s`, `5m`, `1h`; sizes likewise: `512B`, `64KiB`, `10MiB`, `1GiB`. A list of one may be written as the value.
        Paths are relative to the folder of the file. `${NAME}` and `${NAME:-default}` in a value are replaced from the
        environment after the file is parsed (the default also where the variable is empty); `$$` is a dollar sign. The
        key decides the type of its value, in quotes or not; only `true` and `false` are booleans. Anchors and aliases may
        be used; `<<`, tags and a second document may not.

        """
}

extension Section {
    /// The section as Markdown: heading, summary, a table of its keys.
    fileprivate func markdown(level: Int) -> String {
        let heading = title == "The file" || title == "Secrets" ? title : "`\(title)`"
        var text = "\(String(repeating: "#", count: level)) \(heading)\n\n\(summary)\n"
        if !exactlyOne.isEmpty {
            text += "Exactly one of \(exactlyOne.map { "`\($0)`" }.joined(separator: ", ")).\n"
        }
        if !atLeastOne.isEmpty {
            text += "At least one of \(atLeastOne.map { "`\($0)`" }.joined(separator: ", ")).\n"
        }
        text += "\n| key | type | default | meaning |\n|---|---|---|---|\n"
        for row in rows { text += row.markdown(only: needs.first { $0.key == row.key }?.anyOf) }
        return text
    }
}

extension Section.Row {
    fileprivate func markdown(only: [String]?) -> String {
        let condition = only.map { " Only with \($0.map { "`\($0)`" }.joined(separator: " or "))." } ?? ""
        let cells = ["`\(key)`", type, defaultCell, summary + condition]
        return "| \(cells.map { $0.replacingPipes }.joined(separator: " | ")) |\n"
    }

    private var defaultCell: String {
        if isRequired { return "*required*" }
        if let fallbackWords { return fallbackWords }
        guard let fallback else { return "" }
        if case .string(let text) = fallback { return text.isEmpty ? "empty" : "`\(text)`" }
        if case .array(let elements) = fallback, elements.isEmpty { return "none" }
        return "`\(fallback.jsonText)`"
    }
}

extension String {
    /// The text in a cell of a Markdown table.
    fileprivate var replacingPipes: String {
        split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
