/// The methods that the gateway tells apart (RFC 9110 §9, RFC 5789); any other token is ``other``.
public enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, patch, trace, connect, other

    /// Whether asking twice does the same as asking once (RFC 9110 §9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }

    /// The name as it goes over the wire; empty for ``other``.
    public var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other: ""
        }
    }

    /// The method of this name, which is case-sensitive (RFC 9110 §9.1); ``other`` where the gateway has no case for it.
    public init(_ name: UnsafeRawBufferPointer) {
        self =
            switch name.count {
            case 3: Self.is(name, .get) ? .get : Self.is(name, .put) ? .put : .other
            case 4: Self.is(name, .post) ? .post : Self.is(name, .head) ? .head : .other
            case 5: Self.is(name, .patch) ? .patch : Self.is(name, .trace) ? .trace : .other
            case 6: Self.is(name, .delete) ? .delete : .other
            case 7: Self.is(name, .options) ? .options : Self.is(name, .connect) ? .connect : .other
            default: .other
            }
    }

    @inline(__always) private static func `is`(_ name: UnsafeRawBufferPointer, _ method: Method) -> Bool {
        let text = method.name
        for index in 0..<text.utf8CodeUnitCount where name[index] != text.utf8Start[index] { return false }
        return true
    }
}
