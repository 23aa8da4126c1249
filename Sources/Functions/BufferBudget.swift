internal import Synchronization

/// How many bytes all collected request bodies of the process may take together (`limits.buffered`).
///
/// Shared by all loops.
public final class BufferBudget: Sendable {
    /// The most that may be taken, in bytes; what is over a new limit stays taken until it is given back.
    public var limit: Int {
        get { bound.load(ordering: .relaxed) }
        set { bound.store(newValue, ordering: .relaxed) }
    }

    private let bound: Atomic<Int>
    private let taken = Atomic<Int>(0)

    /// A budget of `limit` bytes, none of them taken.
    public init(limit: Int) { bound = Atomic(limit) }

    /// Bytes that are taken now.
    public var used: Int { taken.load(ordering: .relaxed) }

    /// Whether `count` bytes are left now.
    func hasRoom(for count: Int) -> Bool { used + count <= limit }

    /// Takes `count` bytes, or none where so many are not left.
    func take(_ count: Int) -> Bool {
        if taken.add(count, ordering: .relaxed).newValue <= limit { return true }
        taken.subtract(count, ordering: .relaxed)
        return false
    }

    /// Takes `count` bytes even over the limit: memory that is in use already.
    func takeAnyway(_ count: Int) { taken.add(count, ordering: .relaxed) }

    /// Gives back what was taken.
    func giveBack(_ count: Int) { taken.subtract(count, ordering: .relaxed) }
}
