import PenstockBytes
import Testing

/// JSON Schema (draft 2020-12), as far as the schema of routes.yaml uses it.
struct SchemaValidator {
    let root: JSONValue

    /// Whether an editor finds nothing wrong with `value`.
    func accepts(_ value: JSONValue) -> Bool { accepts(value, root) }

    private func accepts(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        if let truth = schema.bool { return truth }
        return (schema.object?.members ?? []).allSatisfy { holds($0.key, $0.value, for: value, in: schema) }
    }

    private func holds(_ keyword: String, _ rule: JSONValue, for value: JSONValue, in schema: JSONValue) -> Bool {
        switch keyword {
        case "$schema", "$defs", "title", "description", "default": true
        case "$ref": accepts(value, definition(rule))
        case "type": (rule.array ?? [rule]).contains { isOfType($0.string, value) }
        case "const": value == rule
        case "enum": rule.array?.contains(value) == true
        case "anyOf": rule.array?.contains { accepts(value, $0) } == true
        case "oneOf": rule.array?.count { accepts(value, $0) } == 1
        default: holdsInside(keyword, rule, for: value, in: schema)
        }
    }

    /// Rules for one type of values: every other value keeps them.
    private func holdsInside(_ keyword: String, _ rule: JSONValue, for value: JSONValue, in schema: JSONValue) -> Bool {
        let members = value.object?.members ?? []
        switch keyword {
        case "properties": return members.allSatisfy { accepts($0.value, rule[$0.key] ?? true) }
        case "additionalProperties":
            return members.allSatisfy { schema["properties"]?[$0.key] != nil || accepts($0.value, rule) }
        case "propertyNames": return members.allSatisfy { accepts(.string($0.key), rule) }
        case "required": return value.object == nil || rule.array?.allSatisfy { value[$0.string ?? ""] != nil } == true
        case "dependentSchemas": return members.allSatisfy { accepts(value, rule[$0.key] ?? true) }
        case "items": return value.array?.allSatisfy { accepts($0, rule) } ?? true
        case "minItems": return value.array.map { $0.count >= rule.integer ?? .max } ?? true
        case "minLength": return value.string.map { $0.unicodeScalars.count >= rule.integer ?? .max } ?? true
        case "pattern": return value.string.map { matches($0, rule.string ?? "") } ?? true
        case "minimum": return value.double.map { $0 >= rule.double ?? .infinity } ?? true
        case "maximum": return value.double.map { $0 <= rule.double ?? -.infinity } ?? true
        default:
            Issue.record("'\(keyword)' is not checked here")
            return false
        }
    }

    private func definition(_ reference: JSONValue) -> JSONValue {
        let name = reference.string?.split(separator: "/").last.map(String.init)
        return name.flatMap { root["$defs"]?[$0] } ?? false
    }

    private func isOfType(_ type: String?, _ value: JSONValue) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .number: type == "number" || type == "integer" && value.integer != nil
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private func matches(_ text: String, _ pattern: String) -> Bool {
        guard let regex = try? Regex(pattern).matchingSemantics(.unicodeScalar) else {
            Issue.record("'\(pattern)' is no regular expression")
            return false
        }
        return text.firstMatch(of: regex) != nil
    }
}
