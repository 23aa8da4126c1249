public import PenstockNetworking

/// Who is at the other end of a connection, and on which listener it came in.
public final class ConnectionInfo {
    /// What the listener says now; connections that live through a reload get the new settings.
    public var settings: ServerSettings { listener.settings }

    /// The peer's address: a client, or a proxy before it.
    public let peer: SocketAddress

    /// The peer's address as text, without the port; lives as long as this object.
    public let peerText: UnsafeRawBufferPointer

    /// Whether the peer may speak for others (`trusted_proxies`).
    public var isTrusted: Bool { trust }

    // Behind a computed property, because code of other targets checks each access to a stored one.
    @exclusivity(unchecked) private var trust: Bool

    /// `http`, or `https`.
    public let scheme: StaticString

    let listener: ListenerState

    /// The listener's counters, as they were when the connection came.
    let metrics: ListenerMetrics?

    /// The limits that it has a place in, besides its listener's, and who holds that place.
    @exclusivity(unchecked) private var limits: ConnectionLimits?
    @exclusivity(unchecked) private var holders = 0

    package init(peer: SocketAddress, listener: ListenerState, scheme: StaticString = "http") {
        self.peer = peer
        self.listener = listener
        self.scheme = scheme
        let text = Array((peer.family == .unix ? "unix" : peer.host).utf8)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        memory.copyBytes(from: text)
        peerText = UnsafeRawBufferPointer(memory)
        trust = listener.settings.trusts(peer)
        metrics = listener.settings.metrics
    }

    /// Asks settings that came with a reload whether the peer is trusted.
    func judgeTrust() { trust = settings.trusts(peer) }

    deinit { peerText.deallocate() }

    // MARK: Its place in the limits

    /// Takes a place among the connections that there may be.
    ///
    /// - Parameter limits: those of all listeners together.
    /// - Returns: whether there was one.
    func enter(_ limits: ConnectionLimits) -> Bool {
        guard limits.enter(peer) else { return false }
        guard listener.connections.enter(peer) else {
            limits.leave(peer)
            return false
        }
        self.limits = limits
        holders = 1
        return true
    }

    /// Keeps the place, even when the connection is closed, until ``leavePlace()``: work that goes on for a client that
    /// has gone is not free for it (trust.md).
    public func holdPlace() { holders &+= 1 }

    /// Gives the place back, where nobody else holds it.
    public func leavePlace() {
        holders &-= 1
        guard holders == 0, let limits else { return }
        limits.leave(peer)
        listener.connections.leave(peer)
    }
}

/// The settings of a listener on one loop; a reload puts others in their place.
public final class ListenerState {
    /// What holds for the next request.
    @exclusivity(unchecked) public var settings: ServerSettings

    /// How many connections the listener may have, on all loops together.
    let connections: ConnectionLimits

    /// Begins with `settings`.
    ///
    /// - Parameters:
    ///   - settings: what holds for the next request.
    ///   - connections: how many connections the listener may have; the loops share it.
    public init(_ settings: ServerSettings, connections: ConnectionLimits = ConnectionLimits()) {
        self.settings = settings
        self.connections = connections
    }
}
