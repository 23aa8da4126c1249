public import PenstockNetworking

/// Who is at the other end of a connection, and on which listener it came in.
public final class ConnectionInfo {
    /// What the listener says now; connections that live through a reload get the new settings.
    public var settings: ServerSettings { listener.settings }

    /// The peer's address: a client, or a proxy before it; whom a proxy has named in the header of the PROXY protocol is
    /// the peer from then on.
    public var peer: SocketAddress { address }

    /// The peer's address as text, without the port; lives as long as this object, or until another peer is named.
    public var peerText: UnsafeRawBufferPointer { addressText }

    /// Whether the peer may speak for others (`trusted_proxies`).
    public var isTrusted: Bool { trust }

    // Behind computed properties, because code of other targets checks each access to a stored one.
    @exclusivity(unchecked) private var address: SocketAddress
    @exclusivity(unchecked) private var addressText: UnsafeRawBufferPointer
    @exclusivity(unchecked) private var trust: Bool

    /// Whether the bytes are of the peer, and not of somebody whom it does not name.
    @exclusivity(unchecked) private(set) var speaksForItself = true

    /// Whether the peer has yet to say for whom it speaks, so that its address has no limit of its own.
    @exclusivity(unchecked) private(set) var isAwaitingHeader: Bool

    /// `http`, or `https`.
    public let scheme: StaticString

    let listener: ListenerState

    /// The listener's counters, as they were when the connection came.
    let metrics: ListenerMetrics?

    /// The limits that it has a place in, besides its listener's, and who holds that place.
    @exclusivity(unchecked) private var limits: ConnectionLimits?
    @exclusivity(unchecked) private var holders = 0

    package init(peer: SocketAddress, listener: ListenerState, scheme: StaticString = "http") {
        address = peer
        addressText = Self.text(peer)
        self.listener = listener
        self.scheme = scheme
        trust = listener.settings.trusts(peer)
        isAwaitingHeader = listener.settings.proxyProtocol
        metrics = listener.settings.metrics
    }

    /// Of a connection that was asleep, with the place in the limits that it has kept.
    init(awakened peer: SocketAddress, listener: ListenerState, metrics: ListenerMetrics?, speaksForItself: Bool) {
        address = peer
        addressText = Self.text(peer)
        self.listener = listener
        self.metrics = metrics
        self.speaksForItself = speaksForItself
        scheme = "http"
        trust = speaksForItself && listener.settings.trusts(peer)
        isAwaitingHeader = false
    }

    /// Whether nothing but its peer has to be known of it while it is asleep.
    var maySleep: Bool {
        holders == 1 && !isAwaitingHeader && (address.family != .unix || address == .unnamed)
    }

    /// Holds the place in the limits that it had before it fell asleep.
    func resumePlace(in limits: ConnectionLimits) {
        self.limits = limits
        holders = 1
    }

    /// The same client and listener, for a request that is none of the connection's own: it has no place in the limits.
    init(copying other: ConnectionInfo) {
        address = other.address
        addressText = Self.text(other.address)
        listener = other.listener
        scheme = other.scheme
        trust = other.trust
        speaksForItself = other.speaksForItself
        isAwaitingHeader = false
        metrics = nil
    }

    private static func text(_ peer: SocketAddress) -> UnsafeRawBufferPointer {
        let text = Array((peer.family == .unix ? "unix" : peer.host).utf8)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        memory.copyBytes(from: text)
        return UnsafeRawBufferPointer(memory)
    }

    /// Asks settings that came with a reload whether the peer is trusted.
    func judgeTrust() { trust = speaksForItself && settings.trusts(peer) }

    /// Whether the peer's PROXY header is believed; to a unix socket come only programs of the gateway's own user.
    var mayName: Bool { isTrusted || peer.family == .unix }

    deinit { addressText.deallocate() }

    // MARK: Its place in the limits

    /// Takes a place among the connections that there may be.
    ///
    /// - Parameter limits: those of all listeners together.
    /// - Returns: whether there was one.
    func enter(_ limits: ConnectionLimits) -> Bool {
        let counted = isAwaitingHeader ? nil : peer
        guard limits.enter(counted) else { return false }
        guard listener.connections.enter(counted) else {
            limits.leave(counted)
            return false
        }
        self.limits = limits
        holders = 1
        return true
    }

    /// The peer has said for whom it speaks; that client is the peer now, with a place among those of its address.
    ///
    /// - Returns: whether there was one; otherwise the connection has no place at all any more.
    func introduce(_ source: ProxyHeader.Source) -> Bool {
        if case .client(let client) = source {
            addressText.deallocate()
            address = client
            addressText = Self.text(client)
        }
        speaksForItself = source != .unnamed
        judgeTrust()
        isAwaitingHeader = false
        guard let limits else { return true }
        guard limits.enterAddress(peer) else { return giveUpPlace(limits) }
        guard listener.connections.enterAddress(peer) else {
            limits.leaveAddress(peer)
            return giveUpPlace(limits)
        }
        return true
    }

    private func giveUpPlace(_ limits: ConnectionLimits) -> Bool {
        limits.leave(nil)
        listener.connections.leave(nil)
        self.limits = nil
        return false
    }

    /// Keeps the place, even when the connection is closed, until ``leavePlace()``: work that goes on for a client that
    /// has gone is not free for it (trust.md).
    public func holdPlace() { holders &+= 1 }

    /// Gives the place back, where nobody else holds it.
    public func leavePlace() {
        holders &-= 1
        guard holders == 0, let limits else { return }
        let counted = isAwaitingHeader ? nil : peer
        limits.leave(counted)
        listener.connections.leave(counted)
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
