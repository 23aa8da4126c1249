import PenstockSystem
import Synchronization

/// Notices that somebody has set the machine's clock: nothing of ours follows it but dates, so that whoever reads the log
/// knows why the times in it jump.
final class ClockWatch: Sendable {
    private static let tolerance: Int64 = 1_000_000_000

    private let offset = Atomic<Int64>(MonotonicClock.wallNanoseconds() &- MonotonicClock.now().nanoseconds)

    /// - Parameter next: how far the wall clock is ahead of the monotonic one now, in nanoseconds.
    /// - Returns: by how many seconds it has jumped; `nil` where it has not, or another loop has noticed first.
    func jump(to next: Int64) -> Int64? {
        let last = offset.load(ordering: .relaxed)
        guard (next &- last).magnitude > Self.tolerance.magnitude else { return nil }
        let isFirst = offset.compareExchange(expected: last, desired: next, ordering: .relaxed).exchanged
        let seconds = (Double(next &- last) / 1e9).rounded()
        return isFirst ? Int64(seconds) : nil
    }
}
