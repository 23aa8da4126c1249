public import Synchronization

/// A number that only rises; one writer's share of it.
///
/// A handle is two words that point into memory which is never given back, so it can be kept and used for as long as
/// the program runs. Only the loop whose shard it is may write it; anyone may read the sum from the registry.
public struct Counter: Equatable, @unchecked Sendable {  // the cell is atomic, and its memory lives for ever
    @usableFromInline let cell: UnsafeMutablePointer<Atomic<Int>>

    init(cell: UnsafeMutablePointer<Atomic<Int>>) { self.cell = cell }

    /// Adds to it: a load and a store, no locked instruction (about 1 ns).
    @inlinable public func add(_ amount: Int = 1) {
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Adds to it from any thread, about ten times as dear.
    @inlinable public func addShared(_ amount: Int = 1) {
        cell.pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Replaces this share, for totals that somebody else counts: the kernel, say.
    public func set(total: Int) { cell.pointee.store(total, ordering: .relaxed) }
}

/// A number that rises and falls; one writer's share of it, as in ``Counter``.
///
/// The shares are summed when it is read.
public struct Gauge: Equatable, @unchecked Sendable {  // as Counter
    @usableFromInline let cell: UnsafeMutablePointer<Atomic<Int>>

    init(cell: UnsafeMutablePointer<Atomic<Int>>) { self.cell = cell }

    /// Adds to this share, or takes from it.
    @inlinable public func add(_ amount: Int) {
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Adds to this share from any thread.
    @inlinable public func addShared(_ amount: Int) { cell.pointee.wrappingAdd(amount, ordering: .relaxed) }

    /// Replaces this share.
    @inlinable public func set(_ value: Int) { cell.pointee.store(value, ordering: .relaxed) }
}

/// Observations sorted into buckets; one writer's share of them, as in ``Counter``.
public struct Histogram: @unchecked Sendable {  // as Counter; the bounds are never written again
    /// A cell for each bound, one for what is above them all, and one for the sum.
    @usableFromInline let cells: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let bounds: UnsafePointer<Int>
    @usableFromInline let boundCount: Int

    init(cells: UnsafeMutablePointer<Atomic<Int>>, bounds: UnsafePointer<Int>, boundCount: Int) {
        self.cells = cells
        self.bounds = bounds
        self.boundCount = boundCount
    }

    /// Counts `value`, in the unit of the family's cells.
    @inlinable public func observe(_ value: Int) {
        var bucket = 0
        while bucket < boundCount, value > bounds[bucket] { bucket &+= 1 }
        bump(bucket, 1)
        bump(boundCount &+ 1, value)
    }

    @inlinable func bump(_ index: Int, _ amount: Int) {
        let cell = cells + index
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
