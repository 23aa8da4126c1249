import PenstockSystem

/// Judges how fast a body comes: silence, and bytes a second over ten seconds.
///
/// Bytes only move a counter and a moment; they are judged when the deadline that it answers has come.
struct BodyRate {
    private static let window: Int64 = 10_000_000_000

    private var bytes = 0
    private var lastProgress = Instant.never
    private var windowStart = Instant.never
    private var windowBytes = 0

    mutating func start(_ now: Instant) {
        bytes = 0
        windowBytes = 0
        lastProgress = now
        windowStart = now
    }

    mutating func count(_ count: Int, at now: Instant) {
        bytes &+= count
        lastProgress = now
    }

    /// When to look next.
    func deadline(_ timeouts: ServerTimeouts) -> Instant {
        min(lastProgress + timeouts.body, windowStart + Self.window)
    }

    /// The rule that was broken, if one was.
    mutating func violation(_ now: Instant, _ timeouts: ServerTimeouts) -> String? {
        if now - lastProgress >= timeouts.body { return "timeouts.body: silence inside the body" }
        guard now - windowStart >= Self.window else { return nil }
        let came = bytes - windowBytes
        windowStart = now
        windowBytes = bytes
        return came < timeouts.bodyRate * 10 ? "timeouts.body_rate: the body comes too slowly" : nil
    }
}
