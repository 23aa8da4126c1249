public import PenstockNetworking
import PenstockSystem
import Synchronization

/// How many exchanges may be somewhere at a time, on all loops together, and a bounded queue of those that wait.
///
/// While there are places nobody takes a lock. Who waits is served in the order of coming, whatever its loop.
public final class ConcurrencyLimit: Sendable {
    /// Bounds of a limit.
    public struct Settings: Sendable, Equatable {
        /// Exchanges at a time, at least 1.
        public var places: Int

        /// The most that wait; one more is refused.
        public var queue = 100

        /// Nanoseconds that one waits, at most.
        public var wait: Int64 = 1_000_000_000

        /// A limit with the queue that the configuration has by default.
        public init(places: Int) { self.places = places }
    }

    /// What an exchange that asks for a place gets.
    public enum Answer: Sendable {
        /// A place, to be given back by ``leave()``.
        case entered
        /// A place in the queue: the waiter hears when it is its turn.
        case waiting
        /// Nothing: the queue is full.
        case full
    }

    /// Its bounds.
    public let settings: Settings

    private let taken = Atomic<Int>(0)
    private let waitingCount = Atomic<Int>(0)
    private let queue = Mutex<[PlaceWaiter]>([])

    /// A limit of which no place is taken.
    public init(_ settings: Settings) { self.settings = settings }

    /// How many wait now.
    public var waiting: Int { waitingCount.load(ordering: .relaxed) }

    /// Takes a place, if there is one and nobody waits for it.
    public func enter() -> Bool {
        guard waitingCount.load(ordering: .sequentiallyConsistent) == 0 else { return false }
        return take()
    }

    private func take() -> Bool {
        if taken.add(1, ordering: .sequentiallyConsistent).newValue <= settings.places { return true }
        taken.subtract(1, ordering: .sequentiallyConsistent)
        return false
    }

    /// Puts a waiter into the queue, unless a place has become free meanwhile.
    public func enqueue(_ waiter: PlaceWaiter) -> Answer {
        let answer: Answer = queue.withLock { queue in
            guard queue.count < settings.queue else { return take() ? .entered : .full }
            queue.append(waiter)
            waitingCount.store(queue.count, ordering: .sequentiallyConsistent)
            return .waiting
        }
        if case .waiting = answer {
            waiter.wait(settings.wait, in: self)
            // Who left before the waiter was seen did not call anybody.
            callNext()
        }
        return answer
    }

    /// Gives a place back; who waits longest gets it.
    public func leave() {
        taken.subtract(1, ordering: .sequentiallyConsistent)
        if waitingCount.load(ordering: .sequentiallyConsistent) > 0 { callNext() }
    }

    private func callNext() {
        let called: PlaceWaiter? = queue.withLock { queue in
            guard !queue.isEmpty, take() else { return nil }
            let first = queue.removeFirst()
            waitingCount.store(queue.count, ordering: .sequentiallyConsistent)
            return first
        }
        called?.call(from: self)
    }

    /// Takes a waiter out of the queue.
    ///
    /// - Returns: whether it was there; otherwise it is being called.
    func remove(_ waiter: PlaceWaiter) -> Bool {
        queue.withLock { queue in
            guard let index = queue.firstIndex(where: { $0 === waiter }) else { return false }
            queue.remove(at: index)
            waitingCount.store(queue.count, ordering: .sequentiallyConsistent)
            return true
        }
    }
}

/// One that waits for a place, on its loop.
public final class PlaceWaiter: @unchecked Sendable {  // confined to its loop; in the queue it is only a reference
    private let loop: EventLoop
    private let timer = Timer()
    private var limit: ConcurrencyLimit?
    private var decided: ((Bool) -> Void)?

    /// - Parameters:
    ///   - loop: where it waits.
    ///   - decided: told once, later: whether it has a place now, or has waited as long as it may.
    public init(on loop: EventLoop, decided: @escaping (Bool) -> Void) {
        self.loop = loop
        self.decided = decided
        timer.target = self
    }

    fileprivate func wait(_ nanoseconds: Int64, in limit: ConcurrencyLimit) {
        self.limit = limit
        loop.set(timer, at: loop.now + nanoseconds)
    }

    fileprivate func call(from limit: ConcurrencyLimit) { loop.submit { self.called(limit) } }

    private func called(_ limit: ConcurrencyLimit) {
        guard let decided = end() else { return limit.leave() }
        decided(true)
    }

    /// It waits no more, and hears nothing.
    public func cancel() {
        guard let limit, end() != nil else { return }
        _ = limit.remove(self)
    }

    private func end() -> ((Bool) -> Void)? {
        if timer.isSet { loop.cancel(timer) }
        return decided.take()
    }
}

extension PlaceWaiter: TimerTarget {
    /// It has waited as long as it may; one that is being called at this moment gives its place back.
    public func expired(_ timer: Timer) {
        guard let limit, let decided = end() else { return }
        _ = limit.remove(self)
        decided(false)
    }
}
