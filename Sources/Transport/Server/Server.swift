import Glibc
import PenstockHTTP
import PenstockNetworking
import PenstockObservability
public import PenstockSystem
import Synchronization

/// The listeners and connections of one loop.
///
/// Only on its loop.
public final class Server {
    /// What its connections share.
    public let context: LoopContext

    private let limits: ConnectionLimits
    private let report: (SystemError) -> Void
    private var listeners: [ObjectIdentifier: [Listener]] = [:]
    private var connections: [ServerConnection] = []
    @exclusivity(unchecked) private var fresh = IdleConnections()
    @exclusivity(unchecked) private var served = IdleConnections()
    private let dormant: DormantConnections
    private var refused = 0
    private var parked = 0
    private var nextReport = Instant(nanoseconds: .min)

    /// The servers of the other loops, which are asked to close an idle connection where there is none on this one.
    ///
    /// Set before the loops run.
    public var neighbours: [Server] = []

    /// Connections over the limit that are told so at a time; more are closed without a word.
    private static let refusedAtOnce = 256

    /// A server without listeners.
    ///
    /// - Parameters:
    ///   - context: what the loop's connections share.
    ///   - limits: how many connections there may be, on all loops together.
    ///   - report: told when a connection could not be accepted.
    public init(context: LoopContext, limits: ConnectionLimits, report: @escaping (SystemError) -> Void) {
        self.context = context
        self.limits = limits
        self.report = report
        dormant = DormantConnections(on: context.loop)
        dormant.server = self
    }

    /// Open connections of this loop.
    public var connectionCount: Int { connections.count + dormant.count }

    /// Those of them that are asleep.
    var sleeperCount: Int { dormant.count }

    /// Accepts from a listening socket from now on.
    ///
    /// - Parameters:
    ///   - socket: stays the caller's, and open until ``close(_:)``.
    ///   - state: the listener's settings on this loop.
    /// - Throws: ``SystemError``.
    public func listen(_ socket: Int32, _ state: ListenerState) throws(SystemError) {
        let listener = Listener(socket: socket, state: state, server: self)
        try listener.open()
        listeners[ObjectIdentifier(state), default: []].append(listener)
    }

    /// Accepts who is in the queue, then no more; its connections end when they have answered what is under way.
    public func close(_ state: ListenerState) {
        for listener in listeners.removeValue(forKey: ObjectIdentifier(state)) ?? [] { listener.close() }
        for place in dormant.places(of: state) { awaken(place) }
        for connection in connections.reversed() where connection.info.listener === state { connection.drain() }
    }

    /// Closes idle connections, and the others when they have answered what is under way.
    public func drain() {
        for place in dormant.places() { awaken(place) }
        for connection in connections.reversed() { connection.drain() }
    }

    /// Ends every connection at once.
    public func kill() {
        for place in dormant.places() { dormant.close(place) }
        for connection in connections.reversed() { connection.kill() }
    }

    // MARK: What listeners and connections call

    func accepted(_ descriptor: consuming FileDescriptor, _ info: ConnectionInfo) {
        if info.isAwaitingHeader, !info.mayName {
            info.metrics?.refuseStranger()
        } else if info.enter(limits) || (isFull(info) && closeIdle(for: info) && info.enter(limits)) {
            open(descriptor, info, fits: true)
        } else if isFull(info), !neighbours.isEmpty, parked < Self.refusedAtOnce {
            parked += 1
            ParkedConnection(descriptor: descriptor.release(), info: info, server: self).ask(neighbours[...])
        } else {
            open(descriptor, info, fits: false)
        }
    }

    /// Takes back a connection for which other loops were asked to make room.
    fileprivate func returned(_ descriptor: consuming FileDescriptor, _ info: ConnectionInfo) {
        parked -= 1
        open(descriptor, info, fits: info.enter(limits))
    }

    private func open(_ descriptor: consuming FileDescriptor, _ info: ConnectionInfo, fits: Bool) {
        guard fits || refused < Self.refusedAtOnce else {
            info.metrics?.refuse(inAll: isFull(info))
            return
        }
        let connection = ServerConnection(descriptor: descriptor, info: info, server: self, isRefused: !fits)
        do throws(SystemError) {
            try connection.open()
        } catch {
            if fits { info.leavePlace() }
            return report(error)
        }
        info.metrics?.accepted.add()
        info.metrics?.connections.add(1)
        if fits {
            becameIdle(connection, served: false)
        } else {
            refused += 1
            info.metrics?.refuse(inAll: isFull(info))
        }
        connection.place = connections.count
        connections.append(connection)
    }

    // MARK: Sleep

    /// A connection that is asleep, awake again.
    @discardableResult
    func awaken(_ place: Int32) -> ServerConnection {
        let (descriptor, info, hasServed, since) = dormant.take(place)
        info.resumePlace(in: limits)
        let connection = ServerConnection(descriptor: FileDescriptor(owning: descriptor), info: info, server: self)
        connection.wake(hasServed: hasServed, since: since)
        connection.idleness = hasServed ? .served : .fresh
        connection.idleSince = since
        connection.isLightSleeper = context.loop.now < since + DormantConnections.delayOfLightSleepers
        if hasServed { served.append(connection) } else { fresh.append(connection) }
        connection.place = connections.count
        connections.append(connection)
        return connection
    }

    /// Puts to sleep who has been idle for a while.
    ///
    /// - Returns: when the next one will have been.
    func putToSleep() -> Instant {
        var next = Instant.never
        for idle in [served, fresh] {
            var candidate = idle.oldest(in: nil)
            while let connection = candidate {
                guard connection.idleSince + DormantConnections.delay <= context.loop.now else {
                    next = min(next, connection.idleSince + DormantConnections.delay)
                    break
                }
                candidate = connection.idleAfter?.takeUnretainedValue()
                let end = connection.idleSince + DormantConnections.delayOfLightSleepers
                if connection.isLightSleeper, end > context.loop.now {
                    next = min(next, end)
                } else {
                    sleep(connection)
                }
            }
        }
        return next
    }

    private func sleep(_ connection: ServerConnection) {
        guard let (descriptor, hasServed) = connection.fallAsleep() else { return }
        becameBusy(connection)
        forget(connection)
        dormant.add(descriptor, connection.info, hasServed: hasServed, since: connection.idleSince)
    }

    /// A connection that was asleep has ended.
    func leavePlace(_ peer: SocketAddress, _ listener: ListenerState) {
        limits.leave(peer)
        listener.connections.leave(peer)
    }

    private func isFull(_ info: ConnectionInfo) -> Bool { limits.isFull || info.listener.connections.isFull }

    /// There is no room for a client that a proxy has just named, among the connections of its address.
    ///
    /// - Parameter info: whom it concerns.
    /// - Returns: whether it is told so; otherwise too many are told that already.
    func refuse(_ info: ConnectionInfo) -> Bool {
        info.metrics?.refuse(inAll: false)
        guard refused < Self.refusedAtOnce else { return false }
        refused += 1
        return true
    }

    /// A connection has nothing under way.
    func becameIdle(_ connection: ServerConnection, served hasServed: Bool) {
        connection.idleness = hasServed ? .served : .fresh
        connection.idleSince = context.loop.now
        if hasServed { served.append(connection) } else { fresh.append(connection) }
        dormant.expectIdle()
    }

    /// A connection that was idle is so no longer.
    func becameBusy(_ connection: ServerConnection) {
        switch connection.idleness {
        case .none: break
        case .fresh: fresh.remove(connection)
        case .served: served.remove(connection)
        }
        connection.idleness = .none
    }

    func closed(_ connection: ServerConnection) {
        connection.info.metrics?.connections.add(-1)
        if connection.isRefused { refused -= 1 } else { connection.info.leavePlace() }
        forget(connection)
    }

    private func forget(_ connection: ServerConnection) {
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.place] = last
            last.place = connection.place
        }
    }

    /// Says so, and makes room where that is what is missing.
    ///
    /// - Parameter error: what the system said.
    /// - Returns: whether there is room now.
    func failedToAccept(_ error: SystemError) -> Bool {
        if context.loop.now >= nextReport {
            nextReport = context.loop.now + 1_000_000_000
            report(error)
        }
        guard error.isExhaustion else { return false }
        if closeIdle(for: nil) { return true }
        for neighbour in neighbours { Room(server: neighbour).ask() }
        return false
    }

    /// Closes one connection that has nothing under way, if there is one: rather one that was served than one that is
    /// about to ask.
    ///
    /// - Parameter info: whom it is to make room for; where the limit is its listener's, it has to be one of that.
    /// - Returns: whether there was one.
    fileprivate func closeIdle(for info: ConnectionInfo?) -> Bool {
        let listener = limits.isFull ? nil : info?.listener.connections
        while let connection = oldestIdle(in: listener) {
            if connection.makeRoom() { return true }
        }
        return false
    }

    /// The one that has been idle longest, rather one that was served than one that is about to ask.
    private func oldestIdle(in listener: ConnectionLimits?) -> ServerConnection? {
        if let place = dormant.oldest(in: listener, hasServed: true) { return awaken(place) }
        if let connection = served.oldest(in: listener) { return connection }
        if let place = dormant.oldest(in: listener, hasServed: false) { return awaken(place) }
        return fresh.oldest(in: listener)
    }

    /// A wish for room, on its way to another loop.
    private struct Room: @unchecked Sendable {  // the server is used on its own loop only
        let server: Server

        func ask() { server.context.loop.submit { _ = server.closeIdle(for: nil) } }
    }
}

/// A connection over the limit, while one loop after the other is asked to close an idle one for it.
private struct ParkedConnection: @unchecked Sendable {  // used by one loop at a time, with their mailboxes between
    let descriptor: Int32
    let info: ConnectionInfo
    let server: Server

    func ask(_ neighbours: ArraySlice<Server>) {
        guard let neighbour = neighbours.first else { return giveBack() }
        let question = Question(connection: self, neighbour: neighbour, rest: neighbours.dropFirst())
        neighbour.context.loop.submit { question.put() }
    }

    private func giveBack() {
        server.context.loop.submit { server.returned(FileDescriptor(owning: descriptor), info) }
    }

    private struct Question: @unchecked Sendable {  // like the connection
        let connection: ParkedConnection
        let neighbour: Server
        let rest: ArraySlice<Server>

        func put() { neighbour.closeIdle(for: connection.info) ? connection.giveBack() : connection.ask(rest) }
    }
}

/// How many connections there may be, on all loops together.
public final class ConnectionLimits: Sendable {
    private let total = Atomic<Int>(0)
    private let perAddress = Mutex<[[UInt8]: Int]>([:])
    private let bounds = Mutex<Bounds>(Bounds())

    private struct Bounds {
        var total = Int.max
        var perAddress = Int.max
    }

    /// No limits.
    public init() {}

    /// Changes the limits; connections that are open stay.
    public func set(total: Int?, perAddress: Int?) {
        bounds.withLock { $0 = Bounds(total: total ?? .max, perAddress: perAddress ?? .max) }
    }

    /// Connections that are open.
    public var count: Int { total.load(ordering: .relaxed) }

    var isFull: Bool { count >= bounds.withLock { $0.total } }

    /// Takes a place, where there is one; without a peer only among all.
    func enter(_ peer: SocketAddress?) -> Bool {
        let bounds = bounds.withLock { $0 }
        guard total.wrappingAdd(1, ordering: .relaxed).newValue <= bounds.total else {
            total.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        guard let peer, !enterAddress(peer, bounds.perAddress) else { return true }
        total.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    /// Takes a place among those of the peer's address.
    func enterAddress(_ peer: SocketAddress) -> Bool { enterAddress(peer, bounds.withLock { $0.perAddress }) }

    private func enterAddress(_ peer: SocketAddress, _ bound: Int) -> Bool {
        perAddress.withLock { counts in
            let count = counts[peer.bytes, default: 0]
            if count >= bound { return false }
            counts[peer.bytes] = count + 1
            return true
        }
    }

    func leave(_ peer: SocketAddress?) {
        total.wrappingSubtract(1, ordering: .relaxed)
        if let peer { leaveAddress(peer) }
    }

    func leaveAddress(_ peer: SocketAddress) {
        perAddress.withLock { counts in
            let count = counts[peer.bytes, default: 1]
            counts[peer.bytes] = count > 1 ? count - 1 : nil
        }
    }
}
