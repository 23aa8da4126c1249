internal import PenstockBytes
public import PenstockHTTP
public import PenstockTransport

/// Sends clients elsewhere (`redirect:`).
public final class RedirectHandler: Handler {
    private let target: RequestTemplate
    private let status: Int
    private var location = ByteBuffer()

    /// Prepares the answer.
    ///
    /// - Parameters:
    ///   - target: the value of `Location`, read as ``PenstockHTTP/RequestTemplate/Use/redirect``.
    ///   - status: 301, 302, 303, 307 or 308.
    public init(to target: RequestTemplate, status: Int) {
        self.target = target
        self.status = status
    }

    public func handle(_ exchange: Exchange) {
        location.removeAll()
        guard target.write(exchange.head, exchange.parameters, to: &location) else {
            return exchange.fail(Self.unusable)
        }
        exchange.response.status = status
        exchange.response.contentLength = 0
        exchange.response.fields.append(.location, "location", location.readable)
        exchange.respond(end: true)
    }

    private static let unusable = ExchangeError(
        .client,
        status: 400,
        message: "Bad Request",
        reason: "a value that no Location can hold"
    )
}
