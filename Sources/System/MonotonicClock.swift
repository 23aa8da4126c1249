import Glibc

/// A moment on the kernel's monotonic clock, in nanoseconds since an arbitrary start.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since the clock's start.
    public let nanoseconds: Int64

    /// A moment by its count of nanoseconds.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later than everything.
    public static let never = Instant(nanoseconds: .max)

    @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The moment `nanoseconds` later.
    @inlinable public static func + (left: Instant, nanoseconds: Int64) -> Instant {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    /// The nanoseconds from `right` to `left`.
    @inlinable public static func - (left: Instant, right: Instant) -> Int64 {
        left.nanoseconds &- right.nanoseconds
    }
}

/// The clocks of the kernel.
public enum MonotonicClock {
    /// Reads `CLOCK_MONOTONIC` (about 20 ns): once a round of a loop, and at a lease's begin and end.
    public static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// Reads the wall clock: nanoseconds since 1970-01-01T00:00:00Z.
    public static func wallNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
