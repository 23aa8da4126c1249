public import PenstockBytes
public import PenstockHTTP

/// One thing that the admin listener answers.
///
/// ```swift
/// AdminEndpoint(.put, "/v1/upstreams/{name}/endpoints", .operators) { request in
///     .json(register(request.body, with: request.parameters[0]))
/// }
/// ```
public struct AdminEndpoint {
    /// Who may ask, among those that reach the listener.
    public enum Access: Sendable {
        /// Everybody.
        case everyone
        /// Programs of this machine.
        case thisMachine
        /// Who has the token, or comes through a unix socket.
        case operators
    }

    let method: Method
    let access: Access
    let answer: (AdminRequest) -> AdminAnswer
    private let segments: [Segment]

    private enum Segment {
        case literal([UInt8])
        case parameter
    }

    /// Declares an endpoint.
    ///
    /// - Parameters:
    ///   - method: what it is asked with; one for GET answers HEAD too.
    ///   - path: `{name}` stands for one segment.
    ///   - access: who may ask.
    ///   - answer: called on the admin listener's loop, when the whole body is there.
    public init(
        _ method: Method,
        _ path: String,
        _ access: Access,
        answer: @escaping (AdminRequest) -> AdminAnswer
    ) {
        self.method = method
        self.access = access
        self.answer = answer
        segments = path.utf8.split(separator: ASCII.slash).map { segment in
            segment.first == ASCII.openBrace ? .parameter : .literal(Array(segment))
        }
    }

    /// The parameters of a path that is this endpoint's; `nil` for any other.
    func parameters(of path: UnsafeRawBufferPointer) -> [String]? {
        let parts = path.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard parts.count == segments.count else { return nil }
        var parameters: [String] = []
        for (part, segment) in zip(parts, segments) {
            switch segment {
            case .literal(let bytes): if !part.elementsEqual(bytes) { return nil }
            case .parameter:
                guard !part.isEmpty else { return nil }
                parameters.append(String(decoding: part, as: UTF8.self))
            }
        }
        return parameters
    }

    /// Whether it answers requests with this method.
    func takes(_ method: Method) -> Bool { method == self.method || method == .head && self.method == .get }
}

/// A request to an ``AdminEndpoint``.
public struct AdminRequest {
    /// What stands for the `{...}` of the path, in order.
    public let parameters: [String]

    /// The query as it came, without its question mark; `nil` where there is none.
    public let query: String?

    /// The whole body; empty where there is none.
    public let body: [UInt8]

    /// For an answer that is not there yet.
    public let reply: AdminReply
}

/// What an ``AdminEndpoint`` answers.
public enum AdminAnswer: Sendable {
    /// Plain text.
    case text(_ text: String, status: Int = 200)

    /// A body of another type.
    case content(_ body: [UInt8], type: StaticString)

    /// JSON, on one line.
    case json(_ value: JSONValue, status: Int = 200)

    /// JSON `{"message", "requestId"}`, as the gateway's own answers are, and more members.
    case failure(_ message: String, status: Int, more: [JSONObject.Member] = [])

    /// ``AdminReply/send(_:)`` will be called.
    case later
}
