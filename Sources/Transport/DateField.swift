import PenstockHTTP
import PenstockSystem

/// The value of the `Date` field, made anew once a second (RFC 9110 §6.6.1).
final class DateField {
    @exclusivity(unchecked) private var validUntil = Instant(nanoseconds: .min)
    private let text = UnsafeMutableRawBufferPointer.allocate(byteCount: HTTPDate.length, alignment: 1)

    /// Told once a second how far the wall clock is ahead of the monotonic one, in nanoseconds: it jumps where that does.
    var noteOffset: ((Int64) -> Void)?

    deinit { text.deallocate() }

    /// The 29 bytes for the round that began at `now`.
    func value(at now: Instant) -> UnsafeRawBufferPointer {
        if now >= validUntil { renew(now) }
        return UnsafeRawBufferPointer(text)
    }

    private func renew(_ now: Instant) {
        let wall = MonotonicClock.wallNanoseconds()
        noteOffset?(wall &- MonotonicClock.now().nanoseconds)
        HTTPDate.format(Int(wall / 1_000_000_000), into: text)
        validUntil = now + (1_000_000_000 - wall % 1_000_000_000)
    }
}
