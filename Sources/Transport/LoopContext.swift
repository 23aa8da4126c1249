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

    let date = DateField()
    let identifiers = IdentifierSource()

    /// The share of `loop`.
    public init(loop: EventLoop) { self.loop = loop }

    /// An exchange for the next request; a front's business.
    package func takeExchange() -> Exchange { exchanges.take(for: self) }
}
