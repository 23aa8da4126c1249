internal import PenstockBytes
public import PenstockHTTP

/// What `headers:` does to the fields of a request or a response: fields go, then fields are set.
///
/// Shared by the two stages of a loop that use it; only on that loop.
public final class FieldEdits {
    /// A field and the value it gets.
    public struct Setting {
        /// The name, in lower case.
        public var name: String
        /// The value.
        public var value: Value

        public init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// Where a value comes from.
    public enum Value {
        /// Filled for each request.
        case template(RequestTemplate)
        /// Taken as it is (a secret).
        case literal([UInt8])
    }

    /// Why an edit is refused, in words for the person who wrote it.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    private struct Name {
        let id: FieldName
        let bytes: [UInt8]
    }

    private let removed: [Name]
    private let settings: [(name: Name, value: Value)]
    private var scratch = ByteBuffer()

    /// Whether the `Server` field, which the gateway adds last, is to go.
    let removesServer: Bool

    /// Whether `Host` is set.
    let setsHost: Bool

    /// Prepares edits.
    ///
    /// - Parameters:
    ///   - set: fields to set, in order; each replaces every field of its name.
    ///   - remove: names, in any case.
    /// - Throws: ``Problem`` for a name or value that no field has, and for fields that belong to one connection.
    public init(set: [Setting], remove: [String]) throws(Problem) {
        removed = try remove.map { name throws(Problem) in try Self.name(name) }
        settings = try set.map { setting throws(Problem) in
            if case .literal(let bytes) = setting.value, !bytes.withUnsafeBytes(FieldRules.isValidValue) {
                throw Problem(description: "the value of '\(setting.name)' cannot be sent in a field")
            }
            return (name: try Self.name(setting.name), value: setting.value)
        }
        removesServer = removed.contains { $0.id == .server }
        setsHost = settings.contains { $0.name.id == .host }
    }

    private static func name(_ text: String) throws(Problem) -> Name {
        let bytes = text.utf8.map(ASCII.lowercased)
        let id = bytes.withUnsafeBytes { FieldRules.isValidName($0) ? FieldName($0) : nil }
        guard let id else { throw Problem(description: "'\(text)' is no field name") }
        guard !framing.has(id) else {
            throw Problem(
                description: "'\(text)' belongs to a connection, not to a request; the gateway sets it itself"
            )
        }
        return Name(id: id, bytes: bytes)
    }

    private static let framing = FieldNameSet.hopByHop.union(FieldNameSet(.contentLength))

    /// Edits `fields`.
    ///
    /// - Parameters:
    ///   - fields: of the request, or of the response to it.
    ///   - head: the request that templates are filled from.
    ///   - parameters: of its path.
    /// - Returns: `false` when a value cannot be sent in a field; that field is left out, the rest is done.
    func apply(to fields: FieldBlock, _ head: RequestHead, _ parameters: [Range<Int>]) -> Bool {
        for name in removed { Self.remove(name, from: fields) }
        var isComplete = true
        for setting in settings {
            Self.remove(setting.name, from: fields)
            switch setting.value {
            case .literal(let bytes): bytes.withUnsafeBytes { Self.append(setting.name, $0, to: fields) }
            case .template(let template):
                scratch.removeAll()
                if template.write(head, parameters, to: &scratch) {
                    Self.append(setting.name, FieldRules.trimmed(scratch.readable), to: fields)
                } else {
                    isComplete = false
                }
            }
        }
        return isComplete
    }

    private static func remove(_ name: Name, from fields: FieldBlock) {
        switch name.id {
        case .other, .underscored, .xForwardedOther, .xPenstock:
            name.bytes.withUnsafeBytes { fields.remove(named: $0) }
        default: fields.remove(FieldNameSet(name.id))
        }
    }

    private static func append(_ name: Name, _ value: UnsafeRawBufferPointer, to fields: FieldBlock) {
        name.bytes.withUnsafeBytes { fields.append(name.id, $0, value) }
    }
}
