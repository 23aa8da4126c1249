internal import PenstockBytes

extension Configuration {
    /// The schema of routes.yaml for editors: JSON Schema, draft 2020-12, indented, with a line end at its end.
    public static func jsonSchema() -> String {
        var members: [JSONObject.Member] = [
            .init(key: "$schema", value: "https://json-schema.org/draft/2020-12/schema"),
            .init(key: "title", value: "Penstock routes.yaml"),
        ]
        members += Schema.shape.section.schema.object?.members ?? []
        let variable: JSONValue = [
            "description": "A text with a variable of the environment in it: ${NAME} or ${NAME:-default}.",
            "type": "string",
            "pattern": "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}",
        ]
        members.append(.init(key: "$defs", value: ["variable": variable, "routes": Schema.routesSchema]))
        return JSONValue.object(JSONObject(members)).indented() + "\n"
    }
}

extension Section {
    /// The mapping for editors.
    var schema: JSONValue {
        var members: [JSONObject.Member] = [
            .init(key: "type", value: "object"),
            .init(key: "properties", value: .object(JSONObject(rows.map { .init(key: $0.key, value: $0.described) }))),
            .init(key: "additionalProperties", value: false),
        ]
        let required = rows.filter(\.isRequired).map { JSONValue.string($0.key) }
        if !required.isEmpty { members.append(.init(key: "required", value: .array(required))) }
        if !exactlyOne.isEmpty {
            members.append(.init(key: "oneOf", value: .array(exactlyOne.map { ["required": [.string($0)]] })))
        }
        if !atLeastOne.isEmpty {
            members.append(.init(key: "anyOf", value: .array(atLeastOne.map { ["required": [.string($0)]] })))
        }
        if !needs.isEmpty {
            let rules = needs.map { need in
                JSONObject.Member(
                    key: need.key,
                    value: ["anyOf": .array(need.anyOf.map { ["required": [.string($0)]] })]
                )
            }
            members.append(.init(key: "dependentSchemas", value: .object(JSONObject(rules))))
        }
        return .object(JSONObject(members))
    }
}

extension Section.Row {
    /// The key's schema with its description and default.
    fileprivate var described: JSONValue {
        var members: [JSONObject.Member] = [.init(key: "description", value: .string(plainSummary))]
        if let fallback { members.append(.init(key: "default", value: fallback)) }
        members += schema.object?.members ?? []
        return .object(JSONObject(members))
    }

    /// The summary without Markdown, and the default in words.
    private var plainSummary: String {
        let words = fallbackWords.flatMap { $0.isEmpty || $0 == "as below" ? nil : " Default: \($0)." } ?? ""
        return (summary + words).filter { $0 != "`" }
    }
}

extension JSONValue {
    /// The value as JSON, two spaces a level; what is short stays on one line.
    fileprivate func indented(_ depth: Int = 0) -> String {
        let inner = String(repeating: "  ", count: depth + 1)
        let outer = String(repeating: "  ", count: depth)
        switch self {
        case .object(let object) where !object.members.isEmpty && jsonText.utf8.count > 72:
            let members = object.members.map { member in
                "\(inner)\(JSONValue.string(member.key).jsonText): \(member.value.indented(depth + 1))"
            }
            return "{\n\(members.joined(separator: ",\n"))\n\(outer)}"
        case .array(let elements) where jsonText.utf8.count > 72:
            let lines = elements.map { inner + $0.indented(depth + 1) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(outer)]"
        default: return jsonText
        }
    }
}
