public import PenstockNetworking
public import PenstockTransport

/// A service behind the gateway, as one loop uses it: its endpoints, and the connections to them.
public final class Upstream {
    /// The upstream's name in the configuration.
    public let name: String

    let metrics: UpstreamMetrics

    private let endpoints: [Endpoint]
    @exclusivity(unchecked) private var next = 0

    /// An upstream of this loop.
    ///
    /// - Parameters:
    ///   - name: its name in the configuration.
    ///   - endpoints: the addresses of each endpoint; at least one endpoint with at least one address.
    ///   - keepAlive: idle connections that are kept to each address, at most.
    ///   - timeouts: the deadlines of its connections.
    ///   - metrics: what is counted of it.
    ///   - context: the loop's.
    public init(
        name: String,
        endpoints: [[SocketAddress]],
        keepAlive: Int,
        timeouts: ClientTimeouts,
        metrics: UpstreamMetrics,
        context: LoopContext
    ) {
        precondition(endpoints.contains { !$0.isEmpty }, "an upstream without an address")
        self.name = name
        self.metrics = metrics
        self.endpoints = endpoints.filter { !$0.isEmpty }.map { addresses in
            Endpoint(
                addresses.map {
                    ConnectionPool(
                        address: $0,
                        capacity: keepAlive,
                        timeouts: timeouts,
                        gauges: (metrics.idle, metrics.busy),
                        context: context
                    )
                }
            )
        }
        // Loops begin at different endpoints, so that few requests are spread over them too.
        next = context.loop.index % self.endpoints.count
    }

    /// How many addresses there are to be tried.
    var addressCount: Int { endpoints.reduce(0) { $0 + $1.pools.count } }

    /// The number of the endpoint whose turn it is.
    func choose() -> Int {
        let endpoint = next
        next = next + 1 == endpoints.count ? 0 : next + 1
        return endpoint
    }

    /// The one to try where `endpoint` has failed; nobody loses a turn by it.
    func alternative(to endpoint: Int) -> Int { (endpoint + 1) % endpoints.count }

    /// The connections to an endpoint's address that is to be used now.
    func pool(of endpoint: Int) -> ConnectionPool { endpoints[endpoint].pool }

    /// The address did not answer: the endpoint's next one is used from now on.
    func skip(_ pool: ConnectionPool, of endpoint: Int) { endpoints[endpoint].skip(pool) }

    /// Closes idle connections; those that are lent end with their requests.
    public func close() {
        for endpoint in endpoints { for pool in endpoint.pools { pool.close() } }
    }
}

/// One endpoint of an upstream: the addresses that its name stands for, the one that worked last first.
final class Endpoint {
    let pools: [ConnectionPool]
    @exclusivity(unchecked) private var preferred = 0

    init(_ pools: [ConnectionPool]) { self.pools = pools }

    /// The address to be used now.
    var pool: ConnectionPool { pools[preferred] }

    /// The address did not answer: the next one is used from now on.
    func skip(_ pool: ConnectionPool) {
        if pools[preferred] === pool { preferred = (preferred + 1) % pools.count }
    }
}
