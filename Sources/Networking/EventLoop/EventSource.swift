import Glibc
public import PenstockSystem

/// What an ``EventLoop`` calls when a descriptor can be read or written.
public protocol EventSource: AnyObject {
    /// The descriptor is ready. On the loop's thread.
    func ready(_ events: Readiness)
}

/// What a descriptor is ready for, or is to be watched for: the bits of `epoll_ctl(2)`.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32

    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes or the end of the stream can be read.
    public static let readable = Readiness(rawValue: 0x001)

    /// Urgent bytes are under way: a read stops before them (tcp(7)).
    public static let urgent = Readiness(rawValue: 0x002)

    /// Bytes can be written, or a connect has ended.
    public static let writable = Readiness(rawValue: 0x004)

    /// The descriptor has failed.
    ///
    /// Always told, never asked for.
    public static let failed = Readiness(rawValue: 0x008)

    /// Both directions have ended.
    ///
    /// Always told, never asked for.
    public static let hungUp = Readiness(rawValue: 0x010)

    /// The peer sends no more: behind what can be read is the end.
    public static let ended = Readiness(rawValue: 0x2000)

    /// Told when it changes, not as long as it holds (edge-triggered, epoll(7)).
    ///
    /// Who has left something unread watches again. The kernel looks at a descriptor once an event, not twice.
    public static let onChange = Readiness(rawValue: 1 << 31)

    /// One of the loops that watch the descriptor is woken, not all.
    public static let exclusive = Readiness(rawValue: 1 << 28)

    /// The same for a connection, which is read at once as far as it goes: on change, and with what cuts a read short,
    /// the end or an urgent byte.
    public func ofConnection(_ family: SocketAddress.Family) -> Readiness {
        // A read from a unix socket stops wherever a descriptor was sent along (unix(7)), and nothing tells so.
        guard family != .unix else { return self }
        return contains(.readable) ? union([.ended, .urgent, .onChange]) : union(.onChange)
    }

    /// Whether a read that brought some bytes may have left others, or an end.
    @inlinable public var mayLeaveMore: Bool { !isDisjoint(with: [.ended, .urgent, .hungUp, .failed]) }
}

/// What has bytes for a socket, which the loop sends together with those of others (``EventLoop/sendAfterRound(_:)``).
public protocol Sender: AnyObject {
    /// The bytes that are to leave now, valid until the next change; none where they are needed no longer.
    var unsent: (socket: Int32, bytes: UnsafeRawBufferPointer) { get }

    /// The kernel has taken `count` of them, 0 when nothing fits now, or failed. Calls nobody else: not all of the round
    /// have heard yet what has become of theirs.
    func sent(_ count: Int, _ error: SystemError?)

    /// Goes on, as all of the round have heard what has become of their bytes.
    func afterSending()
}

/// What has something left to do when the callback that planned it has returned.
public protocol Flushable: AnyObject {
    /// Does it. On the loop's thread.
    func flush()
}
