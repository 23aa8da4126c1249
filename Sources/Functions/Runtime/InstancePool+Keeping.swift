import PenstockNetworking
import PenstockSystem
import Synchronization

/// What a pool does from time to time, and how it stands.
extension InstancePool {
    /// Ends instances that are idle too long, and starts those that are missing.
    ///
    /// On the supervisor's loop.
    ///
    /// - Parameter now: the time.
    /// - Returns: nanoseconds until it has to be done again; `nil`: not before the pool wakes its keeper.
    func keep(at now: Instant) -> Int64? {
        var ending: [(instance: FunctionInstance, home: Int)] = []
        var starts: [Int] = []
        var next: Int64?
        state.withLock { state in
            let surplus = max(0, state.ready - settings.minimum)
            let limit = Instant(nanoseconds: now.nanoseconds - settings.idle)
            ending = Self.takeIdle(&state, before: limit, atMost: state.isRetiring ? .max : surplus)
            while let number = nextStart(&state, at: now) { starts.append(number) }
            next = pause(state, now)
        }
        drain(ending)
        for number in starts {
            let index = number % shares.count
            shares[index].loop.submit { FunctionInstance(self, number: number, home: index).start() }
        }
        return next
    }

    private func pause(_ state: borrowing State, _ now: Instant) -> Int64? {
        if let until = state.shortage.until, until > now { return until - now }
        if let until = state.backoff.until, until > now, state.alive < max(settings.minimum, state.book.waitingCount) {
            return until - now
        }
        return state.alive > settings.minimum ? min(max(settings.idle / 4, 20_000_000), 5_000_000_000) : nil
    }

    /// Lets go of the invokers when nothing of a retired pool is left.
    func letGoIfEmpty() -> Bool {
        state.withLock { state in
            guard state.isRetiring, state.alive == 0, state.book.waitingCount == 0 else { return false }
            state.invokers = []
            return true
        }
    }

    // MARK: Numbers

    /// How a pool stands.
    public struct Statistics: Equatable, Sendable {
        /// Processes that are not gone.
        public var alive = 0

        /// Those that are not ready yet.
        public var starting = 0

        /// Those that wait for an event.
        public var idle = 0

        /// Those that were ready, and have not been asked to end.
        public var ready = 0

        /// Events that wait.
        public var waiting = 0

        /// Processes ever started.
        public var started = 0

        /// Those that never became ready.
        public var failedStarts = 0
    }

    /// How it stands; from any thread.
    public var statistics: Statistics {
        state.withLock { state in
            Statistics(
                alive: state.alive,
                starting: state.starting,
                idle: state.book.idleCount,
                ready: state.ready,
                waiting: state.book.waitingCount,
                started: state.started,
                failedStarts: state.failedStarts
            )
        }
    }
}

/// Looks after a pool from time to time, on the supervisor's loop.
///
/// It keeps the pool while there is something to look after.
final class PoolKeeper: @unchecked Sendable, TimerTarget {  // confined to the supervisor's loop
    private let supervisor: EventLoop
    private var pool: InstancePool?
    private lazy var timer = Timer(target: self)

    init(_ supervisor: EventLoop) { self.supervisor = supervisor }

    /// Looks at the pool soon; from any thread.
    func wake(_ pool: InstancePool) {
        supervisor.submit {
            self.pool = pool
            self.look()
        }
    }

    func expired(_ timer: Timer) { look() }

    private func look() {
        guard let pool else { return }
        supervisor.cancel(timer)
        if pool.letGoIfEmpty() {
            self.pool = nil
        } else if let pause = pool.keep(at: MonotonicClock.now()) {
            supervisor.set(timer, at: MonotonicClock.now() + pause)
        }
    }
}
