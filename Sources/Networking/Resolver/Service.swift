/// A host that offers a service (RFC 2782).
public struct Service: Hashable, Sendable {
    /// The lower, the earlier it is to be tried.
    public let priority: UInt16

    /// Its share among those of the same priority.
    public let weight: UInt16

    /// The host, without a dot at the end.
    public let target: String

    /// The port of ``addresses``.
    public let port: UInt16

    /// At least one, IPv6 and IPv4 in turns; those of a family sorted, so that an equal host is an equal value.
    public let addresses: [SocketAddress]

    /// A service at addresses that may be in any order.
    public init(_ record: ServiceRecord, addresses: [SocketAddress]) {
        priority = record.priority
        weight = record.weight
        target = record.target
        port = record.port
        self.addresses =
            addresses
            .map { $0.with(port: record.port) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            .interleavedByFamily()
    }
}

/// An SRV record.
public struct ServiceRecord: Hashable, Sendable {
    /// The lower, the earlier the host is to be tried.
    public let priority: UInt16

    /// The host's share among those of the same priority.
    public let weight: UInt16

    /// The host, without a dot at the end.
    public let target: String

    /// Where the service is on the host.
    public let port: UInt16

    /// A record.
    public init(priority: UInt16, weight: UInt16, target: String, port: UInt16) {
        self.priority = priority
        self.weight = weight
        self.target = target
        self.port = port
    }
}
