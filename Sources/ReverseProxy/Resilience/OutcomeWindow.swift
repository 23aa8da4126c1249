import PenstockSystem
import Synchronization

/// Requests of the last seconds, and how many of them failed.
///
/// Every loop counts in memory of its own, so that nothing is contended; who wants to know sums up. The window moves
/// on in quarters.
final class OutcomeWindow: @unchecked Sendable {  // atomics, each written by one loop alone
    private static let slices: Int64 = 4

    /// Words of one loop: a line of the cache for itself, and a bit of the next.
    private static let stride = 16

    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private let loops: Int
    private let slice: Int64

    /// An empty window.
    ///
    /// - Parameters:
    ///   - nanoseconds: how far it reaches back.
    ///   - loops: how many writers there are.
    init(nanoseconds: Int64, loops: Int) {
        slice = max(1, nanoseconds / Self.slices)
        self.loops = loops
        cells = .allocate(capacity: loops * Self.stride)
        for index in 0..<loops * Self.stride { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: loops * Self.stride)
        cells.deallocate()
    }

    /// Counts a request that has ended on `loop`.
    func record(isFailure: Bool, on loop: Int, at now: Instant) {
        let epoch = Int(now.nanoseconds / slice)
        let cell = cells + (loop &* Self.stride &+ (epoch & 3) &* 3)
        if cell[0].load(ordering: .relaxed) != epoch {
            cell[1].store(0, ordering: .relaxed)
            cell[2].store(0, ordering: .relaxed)
            cell[0].store(epoch, ordering: .relaxed)
        }
        cell[1].store(cell[1].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        if isFailure { cell[2].store(cell[2].load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
    }

    /// Whether failures are at least `percent` of at least `requests` requests.
    func isOver(_ percent: Int, of requests: Int, at now: Instant) -> Bool {
        let epoch = Int(now.nanoseconds / slice)
        var total = 0
        var failed = 0
        for index in 0..<loops * 4 {
            let cell = cells + (index / 4 * Self.stride + index % 4 * 3)
            let age = epoch - cell[0].load(ordering: .relaxed)
            guard (0..<4).contains(age) else { continue }
            total += cell[1].load(ordering: .relaxed)
            failed += cell[2].load(ordering: .relaxed)
        }
        return total >= requests && failed * 100 >= percent * total
    }

    /// Forgets what was counted: what was bad then says nothing of now.
    ///
    /// A loop that counts at this moment may lose, or keep, one request.
    func clear() {
        for index in 0..<loops * 4 {
            (cells + (index / 4 * Self.stride + index % 4 * 3))[0].store(-1, ordering: .relaxed)
        }
    }
}
