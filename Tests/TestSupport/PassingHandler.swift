public import PenstockHTTP
public import PenstockTransport

/// A first handler that passes all exchanges on to one other: what a router does, without routes.
public final class PassingHandler: Handler {
    private let choose: (Exchange) -> any Handler
    private var next: (any Handler)?

    /// - Parameter choose: makes an exchange ready for the handler, which is always the same, and answers that.
    public init(_ choose: @escaping (Exchange) -> any Handler) { self.choose = choose }

    public func handle(_ exchange: Exchange) {
        let next = choose(exchange)
        self.next = next
        next.handle(exchange)
    }

    public func received(_ bytes: RawSpan, of exchange: Exchange) { next?.received(bytes, of: exchange) }

    public func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) {
        next?.receivedEnd(trailers: trailers, of: exchange)
    }

    public func writable(_ exchange: Exchange) { next?.writable(exchange) }

    public func cancelled(_ error: ExchangeError, _ exchange: Exchange) { next?.cancelled(error, exchange) }
}
