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
    /// Whom it wakes.
    public unowned(unsafe) let target: any TimerTarget

    var deadline = Instant.never
    var slot = -1
    unowned(unsafe) var next: Timer?
    unowned(unsafe) var previous: Timer?

    /// A timer that is not set.
    public init(target: any TimerTarget) { self.target = target }

    deinit { assert(slot < 0, "a timer was let go while it was set") }

    /// Whether it will fire.
    public var isSet: Bool { deadline != .never }
}
