import PenstockSystem

/// Deadlines in slots of 4 ms, 4 s in all; later ones are put in again when their slot comes round.
///
/// Precise to a slot, never early. Setting a timer to a time that its slot does not miss moves nothing.
struct TimerWheel {
    static let slotNanoseconds: Int64 = 4_000_000
    static let slotCount = 1024

    /// The first timer of each slot.
    ///
    /// Unowned: a timer's owner cancels it before it goes.
    private struct Head { unowned(unsafe) var first: Timer? }
    private var heads = [Head](repeating: Head(), count: TimerWheel.slotCount)
    private var occupied = [UInt64](repeating: 0, count: TimerWheel.slotCount / 64)
    private var position: Int64
    private var linked = 0

    init(now: Instant) { position = now.nanoseconds / Self.slotNanoseconds }

    /// Makes `timer` fire at `deadline`, whatever it was set to before.
    mutating func set(_ timer: Timer, at deadline: Instant) {
        timer.deadline = deadline
        if timer.slot >= 0 {
            guard deadline <= timer.reach else { return }
            unlink(timer)
        }
        link(timer)
    }

    /// Makes `timer` not fire; its place in the wheel is given up.
    mutating func cancel(_ timer: Timer) {
        timer.deadline = .never
        if timer.slot >= 0 { unlink(timer) }
    }

    /// Makes none fire any more.
    mutating func cancelAll() {
        for slot in heads.indices {
            while let timer = heads[slot].first { cancel(timer) }
        }
    }

    private mutating func link(_ timer: Timer) {
        guard timer.deadline != .never else { return }
        let due = (timer.deadline.nanoseconds &+ Self.slotNanoseconds &- 1) / Self.slotNanoseconds
        let tick = min(max(due, position + 1), position + Int64(Self.slotCount) - 1)
        let slot = Int(tick % Int64(Self.slotCount))
        timer.slot = slot
        timer.reach = Instant(nanoseconds: (tick - 1) * Self.slotNanoseconds)
        timer.previous = nil
        timer.next = heads[slot].first
        timer.next?.previous = timer
        heads[slot].first = timer
        occupied[slot / 64] |= 1 << UInt64(slot % 64)
        linked += 1
    }

    private mutating func unlink(_ timer: Timer) {
        let slot = timer.slot
        if let previous = timer.previous { previous.next = timer.next } else { heads[slot].first = timer.next }
        timer.next?.previous = timer.previous
        timer.next = nil
        timer.previous = nil
        timer.slot = -1
        linked -= 1
        if heads[slot].first == nil { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
    }

    /// Takes out every timer whose slot has passed; those that were moved later go back in.
    ///
    /// - Parameters:
    ///   - now: the time of this round.
    ///   - due: gets the timers that are due; the caller fires them, and skips those that were set again meanwhile.
    mutating func advance(to now: Instant, due: inout [Timer]) {
        let end = now.nanoseconds / Self.slotNanoseconds
        guard end > position else { return }
        guard linked > 0 else {
            position = end
            return
        }
        let steps = min(end - position, Int64(Self.slotCount))
        let first = end - steps + 1
        position = end
        for tick in first...end {
            let slot = Int(tick % Int64(Self.slotCount))
            guard occupied[slot / 64] & (1 << UInt64(slot % 64)) != 0 else { continue }
            var next = heads[slot].first
            while let timer = next {
                next = timer.next
                unlink(timer)
                if timer.deadline <= now {
                    due.append(timer)
                } else {
                    link(timer)
                }
            }
        }
    }

    /// The milliseconds until the next slot with a timer in it, -1 when there is none.
    func wait(from now: Instant) -> Int32 {
        guard linked > 0 else { return -1 }
        var tick = position + 1
        let last = position + Int64(Self.slotCount)
        while tick <= last {
            let slot = Int(tick % Int64(Self.slotCount))
            let word = occupied[slot / 64] >> UInt64(slot % 64)
            if word != 0 {
                let due = (tick + Int64(word.trailingZeroBitCount)) * Self.slotNanoseconds
                return Int32(max(0, (due - now.nanoseconds + 999_999) / 1_000_000))
            }
            tick += Int64(64 - slot % 64)
        }
        return -1
    }
}
