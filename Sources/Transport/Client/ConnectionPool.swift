public import PenstockNetworking
public import PenstockObservability
import PenstockSystem

/// The idle connections of one loop to one address, and the way to new ones.
public final class ConnectionPool {
    /// Where the connections lead.
    public let address: SocketAddress

    /// The deadlines of new connections.
    public let timeouts: ClientTimeouts

    let context: LoopContext
    let gauges: (idle: Gauge, busy: Gauge)?
    @exclusivity(unchecked) private var capacity: Int
    @exclusivity(unchecked) private var idle: [ClientConnection] = []

    /// An empty pool.
    ///
    /// - Parameters:
    ///   - address: where the connections lead.
    ///   - capacity: idle connections that are kept, at most.
    ///   - timeouts: the deadlines of its connections.
    ///   - gauges: count the connections that are idle and busy.
    ///   - context: the loop's.
    public init(
        address: SocketAddress,
        capacity: Int,
        timeouts: ClientTimeouts,
        gauges: (idle: Gauge, busy: Gauge)? = nil,
        context: LoopContext
    ) {
        self.address = address
        self.capacity = capacity
        self.timeouts = timeouts
        self.gauges = gauges
        self.context = context
    }

    /// The idle connection that was used last, for `observer`; `nil` where there is none.
    public func reuse(for observer: any ClientStreamObserver) -> ClientConnection? {
        guard let connection = idle.popLast() else { return nil }
        connection.lend(to: observer)
        return connection
    }

    /// A new connection, for `observer`, which hears of a failure later, never during this call.
    public func connect(for observer: any ClientStreamObserver) -> ClientConnection {
        ClientConnection(pool: self, observer: observer)
    }

    /// Closes every idle connection, and keeps none any more.
    public func close() {
        capacity = 0
        for connection in idle.reversed() { connection.discard() }
        idle.removeAll()
    }

    func keep(_ connection: ClientConnection) -> Bool {
        guard idle.count < capacity else { return false }
        idle.append(connection)
        return true
    }

    func forget(_ connection: ClientConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }
}
