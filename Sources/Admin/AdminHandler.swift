import PenstockBytes
public import PenstockHTTP
import PenstockNetworking
public import PenstockTransport

/// Answers the admin listener's requests with its endpoints.
public final class AdminHandler: Handler {
    private let endpoints: [AdminEndpoint]
    private let guardian: AdminGuard

    /// Bytes that a request's body may have.
    private static let bodyLimit = 1 << 20

    /// Answers on the admin listener's loop.
    ///
    /// - Parameters:
    ///   - endpoints: what there is.
    ///   - token: what operators show who come over TCP; `nil`: none of them is let in.
    public init(_ endpoints: [AdminEndpoint], token: String? = nil) {
        self.endpoints = endpoints
        guardian = AdminGuard(token: token)
    }

    /// A request whose body is still coming.
    private final class Incoming {
        let endpoint: AdminEndpoint
        let parameters: [String]
        let query: String?
        var body: [UInt8] = []

        init(_ endpoint: AdminEndpoint, _ parameters: [String], _ head: RequestHead) {
            self.endpoint = endpoint
            self.parameters = parameters
            query = head.query.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    public func handle(_ exchange: Exchange) {
        guard guardian.admits(exchange) else {
            return exchange.fail(.refused(403, "Forbidden", "the admin listener answers no page of the web"))
        }
        let matching = endpoints.compactMap { endpoint in
            endpoint.parameters(of: exchange.head.path).map { Incoming(endpoint, $0, exchange.head) }
        }
        if matching.isEmpty { return exchange.fail(.refused(404, "Not Found", "no such admin path")) }
        guard let incoming = matching.first(where: { $0.endpoint.takes(exchange.head.method) }) else {
            let allow = matching.flatMap {
                $0.endpoint.method == .get ? ["GET", "HEAD"] : ["\($0.endpoint.method.name)"]
            }
            return refuseMethod(exchange, Array(allow.joined(separator: ", ").utf8))
        }
        switch guardian.judge(exchange, incoming.endpoint.access) {
        case .admitted: break
        case .stranger: return exchange.fail(.refused(403, "Forbidden", "only this machine is shown that"))
        case .withoutToken: return AdminAnswer.failure("Unauthorized", status: 401).write(to: exchange)
        }
        if exchange.body == .none { return finish(exchange, incoming) }
        exchange.state = incoming
        exchange.sendContinue()
    }

    public func received(_ bytes: RawSpan, of exchange: Exchange) {
        guard let incoming = exchange.state as? Incoming else { return exchange.consumed(bytes.byteCount) }
        guard incoming.body.count + bytes.byteCount <= Self.bodyLimit else { return exchange.fail(.bodyTooLarge) }
        bytes.withUnsafeBytes { incoming.body.append(contentsOf: $0) }
        exchange.consumed(bytes.byteCount)
    }

    public func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) {
        if let incoming = exchange.state as? Incoming { finish(exchange, incoming) }
    }

    private func finish(_ exchange: Exchange, _ incoming: Incoming) {
        let request = AdminRequest(
            parameters: incoming.parameters,
            query: incoming.query,
            body: incoming.body,
            reply: AdminReply(exchange)
        )
        incoming.endpoint.answer(request).write(to: exchange)
    }

    private func refuseMethod(_ exchange: Exchange, _ allow: [UInt8]) {
        allow.withUnsafeBytes {
            exchange.fail(.refused(405, "Method Not Allowed", "not with this method"), allow: $0)
        }
    }
}

extension ExchangeError {
    fileprivate static func refused(_ status: Int, _ message: StaticString, _ reason: String) -> ExchangeError {
        ExchangeError(.client, status: status, message: message, reason: reason)
    }
}
