public import PenstockSystem

/// A ``Timer`` whose deadline lies with its owner: to ask for it, or to move it later, as each request does, touches no
/// other memory.
///
/// The timer may wake its target before the deadline, which then asks ``hasCome(on:)``.
public struct Alarm {
    private let timer = Timer()

    /// When it is due; ``PenstockSystem/Instant/never`` where it is not set.
    public private(set) var deadline = Instant.never

    /// When the timer fires: not behind the deadline.
    private var firesAt = Instant.never

    /// An alarm that is not set, and gets its target before it is.
    public init() {}

    /// Whom the timer wakes: the owner.
    public unowned(unsafe) var target: (any TimerTarget)? {
        get { timer.target }
        nonmutating set { timer.target = newValue }
    }

    /// Whether it will come.
    public var isSet: Bool { deadline != .never }

    /// Makes it come at `deadline`, whatever it was set to before.
    @inline(__always)
    public mutating func set(at deadline: Instant, on loop: EventLoop) {
        self.deadline = deadline
        if deadline < firesAt { arm(loop) }
    }

    private mutating func arm(_ loop: EventLoop) {
        firesAt = deadline
        loop.set(timer, at: deadline)
    }

    /// Makes it not come.
    public mutating func cancel(on loop: EventLoop) {
        deadline = .never
        firesAt = .never
        loop.cancel(timer)
    }

    /// Whether the deadline has come, now that the timer has fired; where it was moved, the timer is set again.
    public mutating func hasCome(on loop: EventLoop) -> Bool {
        firesAt = .never
        guard deadline > loop.now else {
            deadline = .never
            return true
        }
        if isSet { arm(loop) }
        return false
    }
}
