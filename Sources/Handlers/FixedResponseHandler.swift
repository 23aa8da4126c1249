internal import PenstockBytes
internal import PenstockHTTP
public import PenstockTransport

/// Answers every request with the same status and body (`respond:`).
public final class FixedResponseHandler: Handler {
    private let status: Int
    private let contentType: [UInt8]
    private let body: [UInt8]

    /// Whether a body may follow the status at all (RFC 9110 §6.4.1).
    private let hasBody: Bool

    /// Prepares the answer.
    ///
    /// - Parameters:
    ///   - status: 200...599.
    ///   - body: the bytes; not sent with 204 and 304.
    ///   - contentType: what they are; unused without a body.
    public init(status: Int, body: [UInt8], contentType: String = "text/plain; charset=utf-8") {
        self.status = status
        self.body = body
        self.contentType = Array(contentType.utf8)
        hasBody = status != 204 && status != 304
    }

    public func handle(_ exchange: Exchange) {
        let response = exchange.response
        response.status = status
        guard hasBody else { return exchange.respond(end: true) }
        if !body.isEmpty { contentType.withUnsafeBytes { response.fields.append(.contentType, "content-type", $0) } }
        body.withUnsafeBytes { exchange.respond(body: $0.bytes) }
    }
}
