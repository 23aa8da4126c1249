import PenstockNetworking
import PenstockObservability
import PenstockSystem

/// Connections of one loop that have been idle for a while: of each nothing is left but its descriptor, and a line in a
/// table, until the client says something.
///
/// So thousands of clients who keep their connections and say little cost little but the kernel's memory.
final class DormantConnections {
    /// Nanoseconds that a connection is idle before it falls asleep: one that is used all the time never does.
    static let delay: Int64 = 50_000_000

    /// The same of one that was woken before so much time was over: it is used often enough to be worth its memory.
    static let delayOfLightSleepers: Int64 = 1_000_000_000

    unowned(unsafe) var server: Server?  // has it
    private let loop: EventLoop
    private let deadline = Timer()
    private let drowsiness = Timer()

    /// When it looks next who has been idle for a while.
    private var nextLook = Instant.never

    private var entries: [Entry] = []

    /// The first entry that is in use by nobody; each knows the next.
    private var free: Int32 = -1

    /// When the first one's time is over.
    private var nextEnd = Instant.never
    private var homes: [Home] = []
    private(set) var count = 0

    /// What they have in common that came in by one listener.
    private struct Home {
        let listener: ListenerState
        let metrics: ListenerMetrics?
        var fresh = List()
        var served = List()
    }

    /// In the order in which they became idle, so that the first is the first whose time is over.
    private struct List {
        var first: Int32 = -1
        var last: Int32 = -1
    }

    private struct Entry {
        var descriptor: Int32
        var since = Instant.never
        var high: UInt64 = 0
        var low: UInt64 = 0
        var scope: UInt32 = 0
        var port: UInt16 = 0
        var home: Int16 = -1
        var before: Int32 = -1
        var after: Int32 = -1
        var family = SocketAddress.Family.ipv4
        var hasServed = false
        var speaksForItself = true

        var peer: SocketAddress {
            switch family {
            case .ipv4: SocketAddress(ipv4: withUnsafeBytes(of: UInt32(low).bigEndian) { Array($0) }, port: port)
            case .ipv6:
                SocketAddress(
                    ipv6: withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) },
                    port: port,
                    scope: scope
                )
            case .unix: .unnamed
            }
        }
    }

    init(on loop: EventLoop) {
        self.loop = loop
        deadline.target = self
        drowsiness.target = self
    }

    deinit {
        loop.cancel(deadline)
        loop.cancel(drowsiness)
    }

    // MARK: To sleep, and awake

    /// A connection has become idle: it is to be looked at when it has been so for a while.
    func expectIdle() {
        let moment = loop.now + Self.delay
        if moment < nextLook { look(at: moment) }
    }

    private func look(at moment: Instant) {
        nextLook = moment
        loop.set(drowsiness, at: moment)
    }

    /// Takes over an idle connection's descriptor.
    func add(_ descriptor: Int32, _ info: ConnectionInfo, hasServed: Bool, since: Instant) {
        let number = home(of: info)
        let peer = info.peer
        let bytes = peer.family == .unix ? [] : peer.bytes
        var entry = Entry(
            descriptor: descriptor,
            since: since,
            high: Self.number(bytes.dropLast(8)),
            low: Self.number(bytes.suffix(8)),
            scope: peer.scope,
            port: peer.port,
            home: Int16(number),
            family: peer.family,
            hasServed: hasServed,
            speaksForItself: info.speaksForItself
        )
        let place = free >= 0 ? free : Int32(entries.count)
        withList(number, hasServed) { list, entries in
            entry.before = list.last
            if list.last >= 0 { entries[Int(list.last)].after = place } else { list.first = place }
            list.last = place
        }
        if free >= 0 {
            free = entries[Int(place)].after
            entries[Int(place)] = entry
        } else {
            entries.append(entry)
        }
        count += 1
        loop.replace(descriptor, with: self, tag: place)
        let end = since + timeout(number, hasServed)
        if end < nextEnd { wake(at: end) }
    }

    private func wake(at moment: Instant) {
        nextEnd = moment
        loop.set(deadline, at: moment)
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private func home(of info: ConnectionInfo) -> Int {
        let found = homes.firstIndex { $0.listener === info.listener && $0.metrics == info.metrics }
        if let found { return found }
        let home = Home(listener: info.listener, metrics: info.metrics)
        // That of a listener which a reload has closed: nobody sleeps there, and it would keep the listener's settings.
        if let empty = homes.firstIndex(where: { $0.fresh.first < 0 && $0.served.first < 0 }) {
            homes[empty] = home
            return empty
        }
        homes.append(home)
        return homes.count - 1
    }

    /// Takes a connection out of the table.
    ///
    /// - Returns: its descriptor, who is at its other end, whether it was served, and since when it has been idle.
    func take(
        _ place: Int32
    ) -> (descriptor: Int32, info: ConnectionInfo, hasServed: Bool, since: Instant) {
        let entry = remove(place)
        let home = homes[Int(entry.home)]
        let info = ConnectionInfo(
            awakened: entry.peer,
            listener: home.listener,
            metrics: home.metrics,
            speaksForItself: entry.speaksForItself
        )
        return (entry.descriptor, info, entry.hasServed, entry.since)
    }

    private func remove(_ place: Int32) -> Entry {
        let entry = entries[Int(place)]
        withList(Int(entry.home), entry.hasServed) { list, entries in
            if entry.before >= 0 { entries[Int(entry.before)].after = entry.after } else { list.first = entry.after }
            if entry.after >= 0 { entries[Int(entry.after)].before = entry.before } else { list.last = entry.before }
        }
        entries[Int(place)] = Entry(descriptor: -1, after: free)
        free = place
        count -= 1
        return entry
    }

    private func withList(_ home: Int, _ hasServed: Bool, _ body: (inout List, inout [Entry]) -> Void) {
        if hasServed { body(&homes[home].served, &entries) } else { body(&homes[home].fresh, &entries) }
    }

    private func timeout(_ home: Int, _ hasServed: Bool) -> Int64 {
        let timeouts = homes[home].listener.settings.timeouts
        return hasServed ? timeouts.idle : timeouts.head
    }

    // MARK: Who is asleep

    /// The one that has been idle longest.
    ///
    /// - Parameters:
    ///   - connections: of those that came in where they count; `nil`: of all.
    ///   - hasServed: of those that were served, or that are about to ask.
    /// - Returns: its place in the table.
    func oldest(in connections: ConnectionLimits?, hasServed: Bool) -> Int32? {
        guard count > 0 else { return nil }
        let open = homes.filter { connections == nil || $0.listener.connections === connections }
        return first(of: open.map { hasServed ? $0.served : $0.fresh })
    }

    private func first(of lists: [List]) -> Int32? {
        lists.map(\.first).filter { $0 >= 0 }.min { entries[Int($0)].since < entries[Int($1)].since }
    }

    /// Those that came in by a listener; `nil`: all.
    func places(of listener: ListenerState? = nil) -> [Int32] {
        entries.indices.filter { index in
            let home = entries[index].home
            return home >= 0 && (listener == nil || homes[Int(home)].listener === listener)
        }.map(Int32.init)
    }

    /// Ends a connection whose time is over.
    func close(_ place: Int32) {
        let entry = remove(place)
        let home = homes[Int(entry.home)]
        loop.deregister(entry.descriptor)
        Socket.close(entry.descriptor)
        home.metrics?.connections.add(-1)
        server?.leavePlace(entry.peer, home.listener)
    }
}

extension DormantConnections: EventSource {
    func ready(_ events: Readiness) { server?.awaken(loop.readyTag).ready(events) }
}

extension DormantConnections: TimerTarget {
    func expired(_ timer: Timer) {
        guard timer === drowsiness else { return closeExpired() }
        nextLook = .never
        guard let next = server?.putToSleep() else { return }
        if next != .never { look(at: next) }
    }

    private func closeExpired() {
        var next = Instant.never
        for home in homes.indices {
            for hasServed in [false, true] {
                let limit = timeout(home, hasServed)
                while let oldest = first(of: [hasServed ? homes[home].served : homes[home].fresh]) {
                    let deadline = entries[Int(oldest)].since + limit
                    guard deadline <= loop.now else {
                        next = min(next, deadline)
                        break
                    }
                    close(oldest)
                }
            }
        }
        wake(at: next)
    }
}
