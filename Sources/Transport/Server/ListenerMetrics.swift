public import PenstockObservability

/// The connections of one listener on one loop, counted.
public struct ListenerMetrics: Equatable {
    let connections: Gauge
    let accepted: Counter
    private let overTotal: Counter
    private let overAddress: Counter
    private let strangers: Counter
    private let headers: Counter

    /// The series of a listener.
    ///
    /// - Parameters:
    ///   - registry: where they live.
    ///   - listener: its name.
    ///   - shard: the loop.
    public init(registry: MetricsRegistry, listener: String, shard: Int) {
        connections = registry.gauge(.connections, [listener], shard: shard)
        accepted = registry.counter(.acceptedConnections, [listener], shard: shard)
        overTotal = registry.counter(.refusedConnections, [listener, "connections"], shard: shard)
        overAddress = registry.counter(.refusedConnections, [listener, "connections_per_address"], shard: shard)
        strangers = registry.counter(.refusedConnections, [listener, "untrusted_proxy"], shard: shard)
        headers = registry.counter(.refusedConnections, [listener, "proxy_header"], shard: shard)
    }

    /// A connection was refused, because there are too many in all, or too many of its address.
    func refuse(inAll: Bool) { inAll ? overTotal.add() : overAddress.add() }

    /// A connection was closed, because only a trusted proxy may name its client.
    func refuseStranger() { strangers.add() }

    /// A connection was closed, because its PROXY header did not come, or is none.
    func refuseHeader() { headers.add() }
}
