public import PenstockHTTP
public import PenstockTransport

/// Relays requests to an upstream.
///
/// One object for each loop and route.
public final class ProxyHandler: Handler {
    let upstream: Upstream
    let settings: RelaySettings
    @exclusivity(unchecked) private var free: [ProxiedExchange] = []
    private static let mostFree = 1024

    /// Relays to `upstream`.
    ///
    /// - Parameters:
    ///   - upstream: the loop's.
    ///   - settings: how the route's requests are relayed.
    public init(_ upstream: Upstream, _ settings: RelaySettings = RelaySettings()) {
        self.upstream = upstream
        self.settings = settings
    }

    public func handle(_ exchange: Exchange) {
        let proxied = free.popLast() ?? ProxiedExchange(handler: self)
        exchange.state = proxied
        proxied.start(exchange)
    }

    public func received(_ bytes: RawSpan, of exchange: Exchange) { proxied(exchange)?.send(bytes) }

    public func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) { proxied(exchange)?.sendEnd(trailers) }

    public func writable(_ exchange: Exchange) { proxied(exchange)?.resume() }

    public func cancelled(_ error: ExchangeError, _ exchange: Exchange) { proxied(exchange)?.cancel(exchange) }

    private func proxied(_ exchange: Exchange) -> ProxiedExchange? {
        guard let state = exchange.state else { return nil }
        return unsafeDowncast(state, to: ProxiedExchange.self)
    }

    func recycle(_ proxied: ProxiedExchange) {
        if free.count < Self.mostFree { free.append(proxied) }
    }
}
