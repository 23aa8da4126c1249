import PenstockSystem

/// What a ``Timer`` wakes.
public protocol TimerTarget: AnyObject {
    /// The timer's deadline has come. On the loop's thread; the timer may be set again.
    func expired(_ timer: Timer)
}

/// A deadline that costs a store to move later: the wheel looks at it again when it would have fired.
///
/// Belongs to one loop and to one owner, which cancels it before it goes.
public final class Timer {
    /// Whom it wakes: its owner, so that nothing has to be counted.
    @exclusivity(unchecked) public unowned(unsafe) var target: (any TimerTarget)?

    @exclusivity(unchecked) var deadline = Instant.never
    @exclusivity(unchecked) var slot = -1

    /// A deadline behind this moment needs no earlier slot than the one that the timer is in.
    @exclusivity(unchecked) var reach = Instant.never

    @exclusivity(unchecked) unowned(unsafe) var next: Timer?
    @exclusivity(unchecked) unowned(unsafe) var previous: Timer?

    /// A timer that is not set, and gets its target before it is.
    public init() {}

    /// A timer that is not set.
    public init(target: any TimerTarget) { self.target = target }

    deinit { assert(slot < 0, "a timer was let go while it was set") }

    /// Whether it will fire.
    public var isSet: Bool { deadline != .never }
}
