internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    static let match = Kind.object(
        Shape<Configuration.Match>(
            "'match'",
            title: "routes[].match",
            summary: """
                All of it must hold. A text asks for exactly this value, `true` without quotes for any, a mapping for what \
                it says. Of several fields, parameters or cookies with one name, one must fit.
                """,
            initial: Configuration.Match(),
            fields: [
                Field(
                    "headers",
                    \.headers,
                    conditions(of: "fields", matchableName),
                    "Fields of the request.",
                    default: "none"
                ),
                Field(
                    "query",
                    \.query,
                    conditions(of: "parameters", Kind.line),
                    "Parameters of the query, decoded.",
                    default: "none"
                ),
                Field(
                    "cookies",
                    \.cookies,
                    conditions(of: "cookies", cookieName),
                    "Cookies; their values are compared as they were sent, with quotes where there are some.",
                    default: "none"
                ),
                Field(
                    "client_address",
                    \.clientAddress,
                    addressRange.located.list(notEmpty: "leave 'client_address' out to take every client"),
                    "The client's address, or one of several or of a range: behind `trusted_proxies` the one they say.",
                    default: "every one"
                ),
            ]
        ),
        initial: Configuration.Match()
    )

    private static func conditions(of what: String, _ key: ValueKind<String>) -> ValueKind<[Configuration.Condition]> {
        Kind.map(of: what, key: key, textCondition).transformed(
            show: { _ in nil },
            { pairs, _, _ in pairs.map { Configuration.Condition(name: $0.0, value: $0.1) } }
        )
    }

    private static let textCondition = ValueKind<TextCondition>(
        type: "text, `true` or mapping",
        expectation: "a text, true for any, or a mapping such as { prefix: TEXT }",
        schema: ["anyOf": [["type": ["string", "number"]], ["const": true], conditionForm.schema]],
        section: conditionForm.section,
        read: { node, reader in
            if case .mapping = node.content { return conditionForm.read(node, &reader) }
            guard let text = reader.text(node, "a text, true for any, or a mapping such as { prefix: TEXT }") else {
                return nil
            }
            if text.isWord("true") { return .present }
            if text.isWord("false") {
                let hint = "write true for any value, { present: false } for none, or quote the text"
                reader.refuse(text, Complaint("asks for nothing", hint: hint))
                return nil
            }
            return .exact(text.value)
        },
        show: { _ in nil }
    )

    /// The one key of a condition that is a mapping.
    private struct ConditionDraft: Sendable {
        var exact: String?
        var prefix: String?
        var suffix: String?
        var present: Bool?
        var regex: RegularExpression?
    }

    private static let conditionForm = Kind.object(
        Shape<ConditionDraft>(
            "a condition",
            title: "Conditions",
            summary: "What `match` asks of a value, where that is not the whole text.",
            initial: ConditionDraft(),
            exactlyOne: ["exact", "prefix", "suffix", "present", "regex"],
            fields: [
                Field("exact", \.exact, Kind.text.optional, "It is this text."),
                Field("prefix", \.prefix, Kind.line.optional, "It begins with this text."),
                Field("suffix", \.suffix, Kind.line.optional, "It ends with this text."),
                Field("present", \.present, Kind.boolean.optional, "`true`: it is there; `false`: it is not."),
                Field(
                    "regex",
                    \.regex,
                    regularExpression.optional,
                    """
                    Some part of it matches this regular expression (PCRE2, over bytes). One that takes too long does not \
                    match.
                    """
                ),
            ]
        ),
        initial: ConditionDraft()
    ) { draft, _, _ -> TextCondition? in
        if let text = draft.exact { return .exact(text) }
        if let text = draft.prefix { return .prefix(text) }
        if let text = draft.suffix { return .suffix(text) }
        if let isPresent = draft.present { return isPresent ? .present : .absent }
        return draft.regex.map { .regex($0) }
    }

    private static let regularExpression = Kind.pattern(
        "regular expression",
        "a regular expression",
        schema: Kind.lineSchema,
        show: { .string($0.text) },
        parse: { (text) throws(PatternError) in
            guard !text.isEmpty else {
                throw PatternError("is empty, which matches everything", hint: "write 'present'")
            }
            return try RegularExpression(parsing: text)
        }
    )

    static let matchableName = fieldName(nameWithoutUnderscore) { (text) throws(Complaint) in
        let name = try FieldName.parse(text)
        guard !name.contains("_") else {
            throw Complaint(
                "is never there: fields with '_' in their name are dropped (X_A and X-A are one to many programs)"
            )
        }
        return name
    }
}
