import PenstockTransport

/// One endpoint of an upstream as one loop uses it: the connections to its addresses.
final class Endpoint {
    let status: EndpointStatus

    /// One for each address, in the order in which they are to be tried.
    let pools: [ConnectionPool]

    /// What a sticky cookie says of it.
    let stickyValue: [UInt8]

    @exclusivity(unchecked) private var preferred = 0

    /// Whether the request that is being balanced shall not get it.
    @exclusivity(unchecked) var isBarred = false

    /// For weights: how much it is owed.
    @exclusivity(unchecked) var credit = 0

    init(_ status: EndpointStatus, pools: [ConnectionPool]) {
        self.status = status
        self.pools = pools
        stickyValue = StickyCookie.value(of: status.description.name)
    }

    var weight: Int { status.description.weight }

    /// The connections to the address to be used now.
    var pool: ConnectionPool { pools[preferred] }

    /// The address did not answer: the next one is used from now on.
    func skip(_ pool: ConnectionPool) {
        if pools[preferred] === pool { preferred = (preferred + 1) % pools.count }
    }

    /// The address answered where another did not: it is used from now on.
    func prefer(_ pool: ConnectionPool) {
        if let index = pools.firstIndex(where: { $0 === pool }) { preferred = index }
    }

    /// Closes idle connections; those that are lent end with their requests.
    func close() { for pool in pools { pool.close() } }
}
