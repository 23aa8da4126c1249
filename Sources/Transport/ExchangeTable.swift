import PenstockNetworking

/// Names an exchange from any thread: it alone crosses from loop to loop.
public struct ExchangeID: Hashable, Sendable {
    /// The loop that the exchange belongs to.
    public let loop: Int32

    let slot: Int32
    let generation: UInt64
}

/// The exchanges of one loop, recycled.
public final class ExchangeTable {
    @exclusivity(unchecked) private var slots: [Exchange] = []
    @exclusivity(unchecked) private unowned(unsafe) var free: Exchange?

    /// How many exchanges are under way.
    @exclusivity(unchecked) public private(set) var active = 0

    init() {}

    /// The exchange named `id`, if it has not ended.
    public subscript(id: ExchangeID) -> Exchange? {
        let exchange = slots[Int(id.slot)]
        return exchange.id.generation == id.generation ? exchange : nil
    }

    func take(for context: LoopContext) -> Exchange {
        active += 1
        if let exchange = free {
            free = exchange.nextFree
            return exchange
        }
        let id = ExchangeID(loop: Int32(context.loop.index), slot: Int32(slots.count), generation: 1)
        let exchange = Exchange(id: id, context: context)
        slots.append(exchange)
        return exchange
    }

    func giveBack(_ exchange: Exchange) {
        active -= 1
        exchange.nextFree = free
        free = exchange
    }
}
