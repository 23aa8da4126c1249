internal import PenstockBytes

extension Schema {
    static let headers = Kind.object(
        Shape<Configuration.HeaderEdits>(
            "'headers'",
            title: "routes[].headers",
            summary: """
                Fields of the connection, of the framing and of the client's identity are the gateway's own: \
                `connection`, `content-length`, `x-request-id`, `x-forwarded-*` and their like cannot be edited.
                """,
            initial: Configuration.HeaderEdits(),
            fields: [
                Field("request", \.request, fieldEdits(.request), "What the target is given.", default: "nothing"),
                Field("response", \.response, fieldEdits(.response), "What the client is given.", default: "nothing"),
            ]
        ),
        initial: Configuration.HeaderEdits()
    )

    static let example = Kind.object(
        Shape<Configuration.Example>(
            "an example",
            title: "routes[].example",
            summary: "Shown by `make run`.",
            initial: Configuration.Example(),
            fields: [
                Field(
                    "query",
                    \.query,
                    Kind.map(of: "parameters", key: Kind.line, Kind.text).transformed(
                        show: { _ in nil },
                        { pairs, _, _ in pairs.map { Configuration.ExampleParameter(name: $0.0.value, value: $0.1) } }
                    ),
                    "Parameters of its query, not encoded.",
                    default: "none"
                )
            ]
        ),
        initial: Configuration.Example()
    )

    private static func fieldEdits(_ side: FieldName.Side) -> ValueKind<Configuration.FieldEdits> {
        Kind.object(
            Shape<Configuration.FieldEdits>(
                "the fields of a \(side.rawValue)",
                title: "routes[].headers.\(side.rawValue)",
                summary: "Fields are removed first, then set.",
                initial: Configuration.FieldEdits(),
                fields: [
                    Field(
                        "set",
                        \.settings,
                        fieldSettings(side),
                        "Names and values; `{NAME}` is a parameter of the path, or `{path}`, `{query}` or `{host}`.",
                        default: "none"
                    ),
                    Field(
                        "remove",
                        \.removals,
                        fieldName(nameSchema(of: side)) { (text) throws(Complaint) in
                            try FieldName.removable(text, of: side)
                        }.interpolated.located.list,
                        "Names."
                    ),
                ]
            ),
            initial: Configuration.FieldEdits()
        ).inherited(.fieldEdits)
    }

    private static func fieldSettings(_ side: FieldName.Side) -> ValueKind<[Configuration.FieldSetting]> {
        let name = fieldName(nameSchema(of: side)) { (text) throws(Complaint) in
            try FieldName.editable(text, of: side)
        }
        return Kind.map(of: "fields", key: name, fieldValue).transformed(
            show: { (_: [Configuration.FieldSetting]) in nil },
            { pairs, _, reader in
                var seen: Set<String> = []
                return pairs.compactMap { name, value -> Configuration.FieldSetting? in
                    guard seen.insert(name.value).inserted else {
                        reader.error("'\(name.value)' is set twice; names of fields have no case", at: name.position)
                        return nil
                    }
                    return Configuration.FieldSetting(name: name, value: value)
                }
            }
        )
    }

    private static let fieldValue = ValueKind<Configuration.FieldValue>(
        type: "template or secret",
        expectation: "a text, { env: NAME } or { file: PATH }",
        schema: ["anyOf": [Kind.textSchema, Kind.secretForm.schema]],
        section: Kind.secretForm.section,
        read: { node, reader in
            guard case .mapping = node.content else {
                return fieldTemplate.read(node, &reader).map { .template($0) }
            }
            guard let secret = Kind.secretForm.read(node, &reader) else { return nil }
            guard secret.reveal().utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == ASCII.tab }) else {
                reader.error("the secret has a control character, which no field can have", at: node.position)
                return nil
            }
            return .secret(secret)
        },
        show: { _ in nil }
    )

    private static let fieldTemplate = template(schema: Kind.textSchema)

    static func fieldName(
        _ schema: JSONValue,
        _ parse: @escaping @Sendable (String) throws(Complaint) -> String
    ) -> ValueKind<String> {
        Kind.parsed("field name", "the name of a field", schema: schema, show: { .string($0) }, parse: parse)
    }

    /// A name for editors: those of requests have no `_`, with which they are dropped.
    private static func nameSchema(of side: FieldName.Side) -> JSONValue {
        side == .request ? nameWithoutUnderscore : schemaOfName("_")
    }

    static let nameWithoutUnderscore = schemaOfName("")

    private static func schemaOfName(_ more: String) -> JSONValue {
        ["type": ["string", "number", "boolean"], "pattern": .string("^[A-Za-z0-9!#$%&'*+.^`|~\(more)-]+$")]
    }
}
