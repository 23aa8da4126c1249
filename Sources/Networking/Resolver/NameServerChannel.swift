internal import CCares
internal import PenstockSystem

/// c-ares, as one question uses it: its sockets and its timeouts are the loop's, and nothing waits.
///
/// Each question has a channel of its own (some 75 KB and 100 us): servers and search domains are always those of now,
/// every question leaves from another port, and to give one up is to close its channel.
final class NameServerChannel: TimerTarget {
    private let loop: EventLoop
    private var channel: UnsafeMutableRawPointer?

    /// What lookups end with while there is no channel.
    private var failure = NameServerStatus.failed
    private var sockets: [ChannelSocket] = []
    private lazy var timer = Timer(target: self)

    init(on loop: EventLoop, _ settings: ResolverSettings) {
        self.loop = loop
        channel = penstock_ares_open(
            settings.file,
            settings.servers.map(\.description).joined(separator: ","),
            Int32(clamping: max(1, settings.timeout / 1_000_000)),
            Int32(clamping: max(1, settings.tries)),
            { owner, descriptor, readable, writable in
                guard let owner else { return }
                let channel = Unmanaged<NameServerChannel>.fromOpaque(owner).takeUnretainedValue()
                channel.watch(descriptor, readable: readable != 0, writable: writable != 0)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// Ends what is still being asked, each with a status that says so.
    ///
    /// Not from within a lookup's answer.
    func close() {
        loop.cancel(timer)
        guard let channel else { return }
        self.channel = nil
        failure = .closed
        penstock_ares_close(channel)
    }

    // MARK: Lookups

    typealias Answered<Outcome> = (Result<Outcome, NameServerStatus>) -> Void

    /// What c-ares keeps of a lookup while it is under way.
    private final class Lookup<Outcome> {
        let answered: Answered<Outcome>

        /// Whether the call that began it is over: what came before that came from no server.
        var hasBegun = false

        init(_ answered: @escaping Answered<Outcome>) { self.answered = answered }

        static func take(_ context: UnsafeMutableRawPointer?) -> Lookup? {
            context.map { Unmanaged<Lookup>.fromOpaque($0).takeRetainedValue() }
        }
    }

    /// Looks for the addresses of `host` in the files and at the servers, A and AAAA at once.
    ///
    /// - Parameters:
    ///   - host: a name; the search list applies to it unless it ends with a dot.
    ///   - answered: called once, perhaps before this returns; port 0.
    func addresses(of host: String, _ answered: @escaping Answered<NameAnswer<SocketAddress>>) {
        guard let channel else { return answered(.failure(failure)) }
        guard host.isCString else { return answered(.failure(.notAName)) }
        let lookup = Lookup(answered)
        penstock_ares_get_addresses(
            channel,
            host,
            NameResolver.mostAddresses,
            { context, status, timeouts, addresses, count, seconds in
                guard let lookup = Lookup<NameAnswer<SocketAddress>>.take(context) else { return }
                guard status == PENSTOCK_ARES_SUCCESS else {
                    return lookup.answered(.failure(NameServerStatus(status)))
                }
                let found = UnsafeBufferPointer(start: addresses, count: count).map(SocketAddress.init)
                var lifetime = lookup.hasBegun ? Int64(seconds) * 1_000_000_000 : AnswerLifetime.ofFile
                // One of the two families may not have been heard of.
                if timeouts > 0 { lifetime = min(lifetime, AnswerLifetime.incomplete) }
                lookup.answered(.success(NameAnswer(found.interleavedByFamily(), lifetime: lifetime)))
            },
            Unmanaged.passRetained(lookup).toOpaque()
        )
        lookup.hasBegun = true
        setTimer()
    }

    /// Asks the servers for the SRV records of `name`.
    ///
    /// - Parameters:
    ///   - name: a name; the search list applies to it unless it ends with a dot.
    ///   - answered: called once, perhaps before this returns, with the bytes of the message.
    func services(of name: String, _ answered: @escaping Answered<[UInt8]>) {
        guard let channel else { return answered(.failure(failure)) }
        guard name.isCString else { return answered(.failure(.notAName)) }
        penstock_ares_get_services(
            channel,
            name,
            { context, status, bytes, count in
                guard let lookup = Lookup<[UInt8]>.take(context) else { return }
                guard status == PENSTOCK_ARES_SUCCESS else {
                    return lookup.answered(.failure(NameServerStatus(status)))
                }
                lookup.answered(.success(Array(UnsafeBufferPointer(start: bytes, count: count))))
            },
            Unmanaged.passRetained(Lookup(answered)).toOpaque()
        )
        setTimer()
    }

    // MARK: Events

    /// c-ares has opened a socket, wants something else of it, or is about to close it.
    private func watch(_ descriptor: Int32, readable: Bool, writable: Bool) {
        var interest: Readiness = []
        if readable { interest.insert(.readable) }
        if writable { interest.insert(.writable) }
        let known = sockets.firstIndex { $0.descriptor == descriptor }
        if let known, interest.isEmpty {
            sockets.remove(at: known)
            loop.deregister(descriptor)
        } else if known != nil {
            loop.watch(descriptor, interest)
        } else if !interest.isEmpty {
            let socket = ChannelSocket(descriptor, of: self)
            // Where that fails, the server is as good as silent: the next one is asked.
            guard (try? loop.register(descriptor, socket, interest)) != nil else { return }
            sockets.append(socket)
        }
    }

    fileprivate func ready(_ descriptor: Int32, _ events: Readiness) {
        let isReadable = !events.isDisjoint(with: [.readable, .failed, .hungUp])
        proceed(readable: isReadable ? descriptor : -1, writable: events.contains(.writable) ? descriptor : -1)
    }

    func expired(_ timer: Timer) { proceed(readable: -1, writable: -1) }

    private func proceed(readable: Int32, writable: Int32) {
        guard let channel else { return }
        penstock_ares_process(channel, readable, writable)
        setTimer()
    }

    private func setTimer() {
        guard let channel else { return }
        let milliseconds = penstock_ares_wait(channel)
        guard milliseconds >= 0 else { return loop.cancel(timer) }
        loop.set(timer, at: MonotonicClock.now() + Int64(milliseconds) * 1_000_000)
    }
}

/// One of c-ares' sockets.
private final class ChannelSocket: EventSource {
    let descriptor: Int32
    private unowned let channel: NameServerChannel

    init(_ descriptor: Int32, of channel: NameServerChannel) {
        self.descriptor = descriptor
        self.channel = channel
    }

    func ready(_ events: Readiness) { channel.ready(descriptor, events) }
}

extension SocketAddress {
    fileprivate init(_ address: penstock_ares_address) {
        let bytes = withUnsafeBytes(of: address.bytes) { Array($0) }
        if address.is_ipv6 != 0 {
            self.init(ipv6: bytes, port: 0)
        } else {
            self.init(ipv4: Array(bytes.prefix(4)), port: 0)
        }
    }
}

extension String {
    /// Whether C sees the same text, and any.
    fileprivate var isCString: Bool { !isEmpty && !utf8.contains(0) }
}
