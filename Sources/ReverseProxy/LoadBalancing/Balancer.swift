import PenstockSystem
import PenstockTransport

/// Picks endpoints, on one loop.
struct Balancer {
    private let balance: Balance
    private let slowStart: Int64
    private var next: Int
    private var random = RandomSource()

    /// - Parameters:
    ///   - settings: which endpoint gets a request.
    ///   - loop: loops begin at different endpoints, so that few requests are spread over them too.
    init(_ settings: UpstreamSettings, loop: Int) {
        balance = settings.balance
        slowStart = settings.slowStart
        next = loop
    }

    /// The endpoint for a request: one that is not barred, if there is one.
    ///
    /// - Parameters:
    ///   - endpoints: at least one.
    ///   - ring: where keys belong, for hashes.
    ///   - isWeighted: whether the endpoints' shares differ.
    ///   - exchange: the request.
    /// - Returns: its endpoint.
    mutating func pick(
        _ endpoints: [Endpoint],
        ring: HashRing?,
        isWeighted: Bool,
        for exchange: Exchange
    ) -> Endpoint {
        switch balance {
        case .roundRobin: break
        case .leastRequests: return leastRequests(endpoints, exchange.now)
        case .randomTwo: return randomTwo(endpoints, isWeighted: isWeighted, exchange.now)
        case .hash(let key):
            if let hash = key.hash(of: exchange),
                let index = ring?.endpoint(of: hash, where: { $0 < endpoints.count && !endpoints[$0].isBarred })
            {
                return endpoints[index]
            }
        }
        return isWeighted ? weightedTurn(endpoints, exchange.now) : turn(endpoints)
    }

    private mutating func turn(_ endpoints: [Endpoint]) -> Endpoint {
        for _ in 0..<endpoints.count {
            let index = next < endpoints.count ? next : 0
            next = index &+ 1
            if !endpoints[index].isBarred { return endpoints[index] }
        }
        return endpoints[0]
    }

    /// Smooth weighted round robin: every turn each is owed its weight, and who is owed most pays for all.
    private func weightedTurn(_ endpoints: [Endpoint], _ now: Instant) -> Endpoint {
        var total = 0
        var chosen: Endpoint?
        for endpoint in endpoints where !endpoint.isBarred {
            let share = share(of: endpoint, now)
            total += share
            endpoint.credit += share
            if endpoint.credit > chosen?.credit ?? .min { chosen = endpoint }
        }
        chosen?.credit -= total
        return chosen ?? endpoints[0]
    }

    private mutating func leastRequests(_ endpoints: [Endpoint], _ now: Instant) -> Endpoint {
        // From another one each time, so that equals take turns.
        next = next &+ 1 < endpoints.count ? next &+ 1 : 0
        var chosen: Endpoint?
        var load = (requests: 0, share: 1)
        for step in 0..<endpoints.count {
            let index = next &+ step < endpoints.count ? next &+ step : next &+ step &- endpoints.count
            let endpoint = endpoints[index]
            guard !endpoint.isBarred else { continue }
            let other = (requests: endpoint.status.requestCount + 1, share: share(of: endpoint, now))
            if chosen == nil || other.requests * load.share < load.requests * other.share {
                chosen = endpoint
                load = other
            }
        }
        return chosen ?? endpoints[0]
    }

    private mutating func randomTwo(_ endpoints: [Endpoint], isWeighted: Bool, _ now: Instant) -> Endpoint {
        let count = endpoints.count { !$0.isBarred }
        guard count > 2 else { return leastRequests(endpoints, now) }
        let first = random.next(below: count)
        var second = random.next(below: count - 1)
        if second >= first { second += 1 }
        let one = open(endpoints, first)
        let other = open(endpoints, second)
        let isLess =
            (other.status.requestCount + 1) * share(of: one, now) < (one.status.requestCount + 1)
            * share(of: other, now)
        return isLess ? other : one
    }

    /// The endpoint at a place among those that are not barred.
    private func open(_ endpoints: [Endpoint], _ place: Int) -> Endpoint {
        var place = place
        for endpoint in endpoints where !endpoint.isBarred {
            if place == 0 { return endpoint }
            place -= 1
        }
        return endpoints[0]
    }

    private func share(of endpoint: Endpoint, _ now: Instant) -> Int {
        endpoint.weight * endpoint.status.share(at: now, slowStart: slowStart)
    }
}
