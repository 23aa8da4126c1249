public import PenstockNetworking

/// What every connection of a loop shares: exchanges, buffers, date and random numbers.
///
/// Only on its loop.
public final class LoopContext {
    /// The loop itself.
    public let loop: EventLoop

    /// The exchanges under way, and those that wait to be used again.
    public let exchanges = ExchangeTable()

    /// Memory for bytes that wait to be sent.
    public let buffers = BufferPool()

    /// Bytes of request bodies that are kept for upstreams.
    @exclusivity(unchecked) public var buffered = 0

    /// Bytes that all clients' buffers of this loop may take together; beyond it bodies stream.
    @exclusivity(unchecked) public var bufferLimit = 128 << 20

    /// Copies of requests that are under way.
    @exclusivity(unchecked) var copies = 0

    /// Connections whose clients take their answers slowly, so that much is held for them.
    @exclusivity(unchecked) var slowReaders = 0

    /// What is reckoned for a slow reader, in bytes.
    private static let slowReaderBuffer = 262_144

    /// Whether more may be buffered.
    public var hasRoomToBuffer: Bool { buffered &+ slowReaders &* Self.slowReaderBuffer < bufferLimit }

    let date = DateField()
    let identifiers = IdentifierSource()

    /// Has `note` told once a second, while there are answers, how far the wall clock is ahead of the monotonic one.
    public func watchClock(_ note: @escaping (_ nanoseconds: Int64) -> Void) { date.noteOffset = note }

    /// The share of `loop`.
    public init(loop: EventLoop) { self.loop = loop }

    /// An exchange for the next request; a front's business.
    package func takeExchange() -> Exchange { exchanges.take(for: self) }
}
