internal import PenstockBytes
public import PenstockHTTP
public import PenstockTransport

/// Puts another path in the place of the request's (`rewrite: { path: ... }`); the query stays.
public final class RewriteStage: RequestStage {
    private let path: RequestTemplate
    private var scratch = ByteBuffer()

    /// A stage that writes `path`, read as ``PenstockHTTP/RequestTemplate/Use/path``.
    public init(path: RequestTemplate) { self.path = path }

    public func apply(to exchange: Exchange) -> StageVerdict {
        scratch.removeAll()
        guard path.write(exchange.head, exchange.parameters, to: &scratch) else {
            exchange.fail(
                ExchangeError(.client, status: 400, message: "Bad Request", reason: "a value that no path can hold")
            )
            return .answered
        }
        exchange.head.replacePath(scratch.readable)
        return .pass
    }
}
