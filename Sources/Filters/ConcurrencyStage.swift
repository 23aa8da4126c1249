internal import PenstockSystem
public import PenstockTransport

/// Lets so many requests through at a time, and others wait (`concurrency:`).
public final class ConcurrencyStage: RequestStage {
    private let limit: ConcurrencyLimit

    /// A stage that takes places of `limit`, which routes of other loops share.
    public init(_ limit: ConcurrencyLimit) { self.limit = limit }

    public func apply(to exchange: Exchange) -> StageVerdict {
        if limit.enter() {
            exchange.hold(limit)
            return .pass
        }
        let waiter = PlaceWaiter(on: exchange.loop) { [limit, unowned exchange] hasPlace in
            exchange.queueNanoseconds = exchange.now - exchange.startedAt
            guard hasPlace else { return exchange.fail(.routeIsBusy("queue.wait of the route")) }
            exchange.hold(limit)
            exchange.proceed()
        }
        switch limit.enqueue(waiter) {
        case .entered:
            exchange.hold(limit)
            return .pass
        case .waiting:
            exchange.state = waiter
            return .pending
        case .full:
            exchange.fail(.routeIsBusy("the queue of the route is full"))
            return .answered
        }
    }

    public func cancelled(_ exchange: Exchange) { (exchange.state as? PlaceWaiter)?.cancel() }
}

extension ExchangeError {
    fileprivate static func routeIsBusy(_ reason: String) -> ExchangeError {
        ExchangeError(.gateway, status: 503, message: "Service Unavailable", reason: reason, retryAfter: 1)
    }
}
