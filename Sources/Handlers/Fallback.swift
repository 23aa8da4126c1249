internal import PenstockHTTP
public import PenstockTransport

/// Asks further targets where one has failed (`fallback:`).
public final class Fallback: AnswerWatcher {
    private let targets: [RouteTarget]
    private let isForErrors: Bool
    private let statuses: [ClosedRange<Int>]
    private let pages: ErrorPages?

    /// Watches the answers of a route.
    ///
    /// - Parameters:
    ///   - targets: in the order in which they are asked.
    ///   - errors: whether a target that gives no answer has failed.
    ///   - statuses: answers of functions and upstreams that are failures.
    ///   - pages: what stands in the place of answers that leave.
    public init(_ targets: [RouteTarget], onErrors errors: Bool, statuses: [ClosedRange<Int>], pages: ErrorPages?) {
        self.targets = targets
        isForErrors = errors
        self.statuses = statuses
        self.pages = pages
    }

    public func judge(_ exchange: Exchange, from target: RouteTarget, _ failure: ExchangeError?) -> AnswerVerdict {
        if hasFailed(exchange, target, failure), let next = next(after: target, exchange) { return .hand(next) }
        return pages?.judge(exchange, from: target, failure) ?? .pass
    }

    private func hasFailed(_ exchange: Exchange, _ target: RouteTarget, _ failure: ExchangeError?) -> Bool {
        if let failure { return isForErrors && failure.side != .client }
        let status = exchange.response.status
        return target.asksOthers && statuses.contains { $0.contains(status) }
    }

    private func next(after target: RouteTarget, _ exchange: Exchange) -> RouteTarget? {
        let start = targets.firstIndex { $0 === target }.map { $0 + 1 } ?? 0
        return targets[start...].first { !$0.asksOthers || exchange.canReplayBody }
    }
}
