import PenstockBytes
import PenstockHTTP
import PenstockNetworking
public import PenstockObservability
public import PenstockTransport

/// What the admin listener answers: `/healthz`, `/readyz` and `/metrics`, to GET and HEAD.
///
/// On TCP it answers only to its own address and never to a page of the web (trust.md, Admin): a Host that is a name
/// but `localhost`, an Origin, or a cross-site Sec-Fetch-Site is 403; and `/metrics` to this machine alone.
public final class AdminHandler: Handler {
    private let metrics: MetricsRegistry
    private let isReady: () -> Bool
    private let refresh: () -> Void
    private var text = ByteBuffer()

    /// Answers on the admin listener's loop.
    ///
    /// - Parameters:
    ///   - metrics: what `/metrics` shows.
    ///   - isReady: what `/readyz` says.
    ///   - refresh: brings those metrics up to date that are looked at rather than counted.
    public init(metrics: MetricsRegistry, isReady: @escaping () -> Bool, refresh: @escaping () -> Void) {
        self.metrics = metrics
        self.isReady = isReady
        self.refresh = refresh
    }

    public func handle(_ exchange: Exchange) {
        let head = exchange.head
        guard isAllowed(exchange) else { return exchange.fail(Self.forbidden) }
        guard head.method == .get || head.method == .head else {
            let allow: StaticString = "GET, HEAD"
            return exchange.fail(
                Self.methodNotAllowed,
                allow: UnsafeRawBufferPointer(start: allow.utf8Start, count: allow.utf8CodeUnitCount)
            )
        }
        text.removeAll()
        switch String(decoding: head.path, as: UTF8.self) {
        case "/healthz":
            text.append("ok\n")
            answer(exchange, 200, "text/plain; charset=utf-8")
        case "/readyz":
            let ready = isReady()
            text.append(ready ? "ready\n" : "not ready\n")
            answer(exchange, ready ? 200 : 503, "text/plain; charset=utf-8")
        case "/metrics":
            guard exchange.connection?.peer.isLoopback ?? true else { return exchange.fail(Self.remote) }
            refresh()
            metrics.write(to: &text)
            answer(exchange, 200, MetricsRegistry.contentType)
        default: exchange.fail(Self.notFound)
        }
    }

    private func answer(_ exchange: Exchange, _ status: Int, _ type: StaticString) {
        exchange.response.status = status
        exchange.response.fields.append(.contentType, "content-type", type)
        exchange.response.fields.append(.cacheControl, "cache-control", "no-store")
        exchange.respond(body: text.readable.bytes)
    }

    private func isAllowed(_ exchange: Exchange) -> Bool {
        guard exchange.connection?.peer.family != .unix else { return true }
        let fields = exchange.head.fields
        if fields.first(.origin) != nil { return false }
        if let site = fields.first(.secFetchSite), !site.elementsEqual("same-origin".utf8),
            !site.elementsEqual("none".utf8)
        {
            return false
        }
        return AdminHost.isOwn(exchange.head.authority)
    }

    private static let forbidden = ExchangeError(
        .client,
        status: 403,
        message: "Forbidden",
        reason: "the admin listener answers no page of the web"
    )
    private static let remote = ExchangeError(
        .client,
        status: 403,
        message: "Forbidden",
        reason: "metrics are shown to this machine alone"
    )
    private static let notFound = ExchangeError(
        .client,
        status: 404,
        message: "Not Found",
        reason: "no such admin path"
    )
    private static let methodNotAllowed = ExchangeError(
        .client,
        status: 405,
        message: "Method Not Allowed",
        reason: "the admin listener takes GET and HEAD"
    )
}
