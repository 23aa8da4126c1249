public import PenstockSystem

/// How long a function that cannot start is left alone: 0.1 s after the first failure, twice that after the next, at
/// most 10 s.
///
/// A value without a clock: the caller says what time it is.
public struct CrashBackoff: Equatable, Sendable {
    static let first: Int64 = 100_000_000
    static let longest: Int64 = 10_000_000_000

    /// Failures since the last success.
    public private(set) var failures = 0

    /// Before this no instance is started.
    public private(set) var until: Instant?

    /// A function of which nothing bad is known.
    public init() {}

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
        until = now + min(Self.longest, Self.first << Int64(min(failures - 1, 10)))
    }

    /// An instance works.
    public mutating func succeeded() {
        failures = 0
        until = nil
    }
}
