public import PenstockSystem

/// How long what cannot start is left alone: a while after the first failure, twice that after the next, up to a limit.
///
/// A value without a clock: the caller says what time it is.
public struct CrashBackoff: Equatable, Sendable {
    private let first: Int64
    private let longest: Int64

    /// Failures since the last success.
    public private(set) var failures = 0

    /// Before this no instance is started.
    public private(set) var until: Instant?

    /// A function of which nothing bad is known.
    ///
    /// - Parameters:
    ///   - first: nanoseconds that it is left alone after the first failure.
    ///   - longest: the most that it is left alone.
    public init(first: Int64 = 100_000_000, longest: Int64 = 10_000_000_000) {
        self.first = first
        self.longest = longest
    }

    /// Whether an instance may be started at `now`.
    public func allowsStart(at now: Instant) -> Bool {
        guard let until else { return true }
        return until <= now
    }

    /// A start has failed at `now`, or an instance has died before it answered anything.
    ///
    /// Failures of instances that were started together count once.
    public mutating func failed(at now: Instant) {
        guard allowsStart(at: now) else { return }
        failures += 1
        until = now + min(longest, first << Int64(min(failures - 1, 10)))
    }

    /// An instance works.
    public mutating func succeeded() {
        failures = 0
        until = nil
    }
}
