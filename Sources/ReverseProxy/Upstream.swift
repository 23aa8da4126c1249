import PenstockNetworking
import PenstockSystem
public import PenstockTransport

/// A service behind the gateway, as one loop uses it: its endpoints, and the connections to them.
public final class Upstream {
    /// What all loops know of it.
    public let status: UpstreamStatus

    let metrics: UpstreamMetrics
    let sticky: StickyCookie?
    let countsRequests: Bool

    /// What it is told of the client and the way.
    let forwarding: Forwarding
    let context: LoopContext

    @exclusivity(unchecked) private var endpoints: [Endpoint] = []
    @exclusivity(unchecked) private var ring: HashRing?
    @exclusivity(unchecked) private var balancer: Balancer
    @exclusivity(unchecked) private var hasWeights = false

    /// Whether endpoints may be barred still, since the last choice.
    @exclusivity(unchecked) private var hasBars = false
    @exclusivity(unchecked) private var budget: RetryBudget
    @exclusivity(unchecked) private var random = RandomSource()

    /// An upstream of this loop.
    ///
    /// - Parameters:
    ///   - status: what all loops know of it.
    ///   - metrics: what is counted of it.
    ///   - context: the loop's.
    public init(_ status: UpstreamStatus, metrics: UpstreamMetrics, context: LoopContext) {
        self.status = status
        self.metrics = metrics
        self.context = context
        let settings = status.settings
        sticky = settings.sticky.map { StickyCookie($0.cookie, seconds: $0.seconds) }
        countsRequests = settings.balance.countsRequests
        forwarding = settings.forwarding
        balancer = Balancer(settings, loop: context.loop.index)
        budget = RetryBudget(percent: settings.retryBudget)
        replaceEndpoints(status.endpoints)
        status.subscribe(self)
    }

    deinit {
        for endpoint in endpoints { endpoint.close() }  // an idle connection keeps its pool
    }

    var loop: EventLoop { context.loop }

    /// Takes other endpoints into use; connections to those that stay are kept.
    func replaceEndpoints(_ list: EndpointList) {
        var known = Dictionary(
            endpoints.map { (ObjectIdentifier($0.status), $0) },
            uniquingKeysWith: { first, _ in first }
        )
        endpoints = list.endpoints.map { known.removeValue(forKey: ObjectIdentifier($0)) ?? makeEndpoint($0) }
        ring = list.ring
        hasWeights = Set(endpoints.map(\.weight)).count > 1
        for gone in known.values { gone.close() }
    }

    private func makeEndpoint(_ status: EndpointStatus) -> Endpoint {
        let settings = self.status.settings
        return Endpoint(
            status,
            pools: status.description.addresses.map {
                ConnectionPool(
                    address: $0,
                    capacity: settings.keepAlive,
                    timeouts: settings.timeouts,
                    gauges: (metrics.idle, metrics.busy),
                    context: context
                )
            }
        )
    }

    // MARK: Choosing

    /// How many endpoints there are.
    var endpointCount: Int { endpoints.count }

    /// The endpoint for a request; `nil` where there is none at all.
    ///
    /// - Parameters:
    ///   - exchange: the request.
    ///   - tried: endpoints that have failed it; another one goes first.
    /// - Returns: its endpoint.
    func choose(for exchange: Exchange, after tried: [Endpoint] = []) -> Endpoint? {
        guard endpoints.count > 1 else { return endpoints.first }
        let now = exchange.now
        if hasBars || !tried.isEmpty || !status.areAllIn { bar(tried, now) }
        if let wanted = sticky?.value(in: exchange),
            let own = endpoints.first(where: { wanted.elementsEqual($0.stickyValue) }), !own.isBarred
        {
            return own
        }
        let isWeighted = hasWeights || status.isStartingSlowly(at: now)
        guard !tried.isEmpty else {
            return balancer.pick(endpoints, ring: ring, isWeighted: isWeighted, for: exchange)
        }
        // Nobody loses a turn by another's failure.
        var turn = balancer
        return turn.pick(endpoints, ring: ring, isWeighted: isWeighted, for: exchange)
    }

    /// Bars what is out, and what has been tried; not where hardly any would be left.
    private func bar(_ tried: [Endpoint], _ now: Instant) {
        var inCount = 0
        for endpoint in endpoints {
            if !endpoint.status.isIn { status.readmit(endpoint.status, at: now) }
            if endpoint.status.isIn { inCount += 1 }
        }
        let ignoresHealth = status.isInPanic(inCount, of: endpoints.count)
        var open = 0
        for endpoint in endpoints {
            endpoint.isBarred = !ignoresHealth && !endpoint.status.isIn || tried.contains { $0 === endpoint }
            if !endpoint.isBarred { open += 1 }
        }
        if open == 0 {
            for endpoint in endpoints { endpoint.isBarred = !ignoresHealth && !endpoint.status.isIn }
        }
        hasBars = open < endpoints.count
    }

    // MARK: Requests

    /// A request begins.
    func earnRetries() { budget.earn() }

    /// Whether there may be one more retry.
    func takeRetry() -> Bool { budget.spend(at: loop.now) }

    /// Nanoseconds to wait before the retry of a number: by chance, up to a bound that doubles.
    func pause(before retry: Int, _ settings: RetrySettings) -> Int64 {
        guard settings.backoff > 0 else { return 0 }
        let bound = min(10_000_000_000, settings.backoff << Int64(min(retry - 1, 10)))
        return Int64(random.next(below: Int(bound)))
    }

    /// Closes idle connections; those that are lent end with their requests.
    public func close() {
        for endpoint in endpoints { endpoint.close() }
    }
}
