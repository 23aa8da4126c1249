import PenstockSystem
import Synchronization

/// Spares an upstream that fails most of its requests: for a while it gets none, then one, and all again if that is well.
final class CircuitBreaker: Sendable {
    let settings: BreakerSettings
    private let window: OutcomeWindow

    /// The moment at which a request may be let through; 0: it is closed, and all are.
    private let openUntil = Atomic<Int64>(0)

    init(_ settings: BreakerSettings, loops: Int) {
        self.settings = settings
        window = OutcomeWindow(nanoseconds: settings.window, loops: loops)
    }

    /// Whether requests are held off.
    var isOpen: Bool { openUntil.load(ordering: .relaxed) != 0 }

    /// What becomes of a request.
    enum Verdict {
        /// It goes to the upstream.
        case pass
        /// It goes to the upstream, and decides whether others follow.
        case probe
        /// It does not.
        case refuse
    }

    /// Whether a request may go to the upstream; where it is open, one may in each period.
    func judge(at now: Instant) -> Verdict {
        let until = openUntil.load(ordering: .relaxed)
        guard until != 0 else { return .pass }
        guard now.nanoseconds >= until else { return .refuse }
        let next = now.nanoseconds &+ settings.open
        return openUntil.compareExchange(expected: until, desired: next, ordering: .relaxed).exchanged
            ? .probe : .refuse
    }

    /// Seconds until it is worth asking again.
    func retryAfter(at now: Instant) -> Int {
        max(1, Int((openUntil.load(ordering: .relaxed) &- now.nanoseconds) / 1_000_000_000))
    }

    /// Counts a request; while it is open, that which was let through decides.
    ///
    /// - Returns: whether it is open now, where that has changed.
    func record(isFailure: Bool, wasProbe: Bool, on loop: Int, at now: Instant) -> Bool? {
        let until = openUntil.load(ordering: .relaxed)
        guard until == 0 else {
            guard wasProbe, !isFailure else { return nil }
            window.clear()
            return openUntil.compareExchange(expected: until, desired: 0, ordering: .relaxed).exchanged ? false : nil
        }
        window.record(isFailure: isFailure, on: loop, at: now)
        guard isFailure, window.isOver(settings.errorRate, of: settings.requests, at: now) else { return nil }
        let next = now.nanoseconds &+ settings.open
        return openUntil.compareExchange(expected: 0, desired: next, ordering: .relaxed).exchanged ? true : nil
    }
}
