extension MetricFamily {
    /// Every metric for people: a Markdown table.
    public static func reference() -> String {
        var text = "| metric | type | labels | meaning |\n|---|---|---|---|\n"
        for family in all {
            let labels = family.labels.map { "`\($0)`" }.joined(separator: " ")
            text += "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |\n"
        }
        return text
    }
}
