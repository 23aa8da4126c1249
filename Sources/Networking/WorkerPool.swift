import Dispatch
import PenstockSystem
import Synchronization

/// What a ``WorkerPool`` runs: an object, so that handing it over allocates nothing more.
public protocol WorkerJob: AnyObject, Sendable {
    /// Does the work, on a thread of the pool; it may block.
    func run()
}

/// Threads for work that blocks: serial queues that drain one bounded list, first come, first served.
///
/// A concurrent queue runs only about a core's worth of blocking jobs on Linux; a serial queue gets a thread of its own
/// (data-plane.md, section 6). Work starts with one drainer; every ``growthInterval`` that the oldest job waits, one
/// more joins, up to ``width``. A drainer that finds the list empty ends, and Dispatch takes its thread back. Growth
/// goes by time and not by the list's length because short jobs end sooner than a thread wakes.
public final class WorkerPool: Sendable {
    /// The most jobs that run at a time.
    public let width: Int

    /// The most jobs that wait; more are refused.
    public let capacity: Int

    /// How long the oldest job waits before another drainer joins, in nanoseconds.
    public static let growthInterval: Int64 = 2_000_000

    private let drainers: [DispatchQueue]
    private let growth = DispatchQueue(label: "penstock.worker.growth")
    private let state: Mutex<State>

    /// A pool that has no thread yet.
    ///
    /// - Parameters:
    ///   - width: the most jobs that run at a time, at least 1.
    ///   - capacity: the most jobs that wait, at least 1.
    public init(width: Int = 64, capacity: Int = 4096) {
        precondition(width > 0 && capacity > 0)
        self.width = width
        self.capacity = capacity
        drainers = (0..<width).map { DispatchQueue(label: "penstock.worker.\($0)") }
        state = Mutex(State(width: width))
    }

    /// How many jobs wait, and how many drainers there are.
    ///
    /// From any thread.
    public var usage: (waiting: Int, drainers: Int) {
        state.withLock { ($0.jobs.count, width - $0.idle.count) }
    }

    /// Takes jobs in this order, as many as there is room for; at most one thread is woken.
    ///
    /// From any thread.
    ///
    /// - Parameter jobs: what to run, oldest first.
    /// - Returns: how many were taken; those behind them are refused.
    public func submit(_ jobs: [any WorkerJob]) -> Int {
        let now = MonotonicClock.now()
        let (taken, plan) = state.withLock { state in
            let room = min(jobs.count, capacity - state.jobs.count)
            for job in jobs.prefix(room) { state.jobs.append(job, at: now) }
            return (room, state.planAfterSubmit())
        }
        follow(plan)
        return taken
    }

    /// Takes one job, or refuses it.
    public func submit(_ job: any WorkerJob) -> Bool { submit([job]) == 1 }

    private func follow(_ plan: Plan) {
        if let drainer = plan.drainer { drainers[drainer].async { self.drain(drainer) } }
        if plan.looksAgain {
            growth.asyncAfter(deadline: .now() + .nanoseconds(Int(Self.growthInterval))) { self.grow() }
        }
    }

    /// Runs jobs until none waits.
    private func drain(_ drainer: Int) {
        while let job = state.withLock({ $0.next(for: drainer) }) { job.run() }
    }

    private func grow() {
        let now = MonotonicClock.now()
        follow(state.withLock { $0.planGrowth(now) })
    }
}

/// What is to be done when the lock is free again.
private struct Plan {
    /// The drainer to start.
    var drainer: Int?

    /// Whether to look after the oldest job when an interval has passed.
    var looksAgain = false
}

/// What the pool's lock guards.
private struct State {
    var jobs = JobList()

    /// The drainers that have no thread; the one that ended last is started first.
    var idle: [Int]

    private let width: Int
    private var isWatched = false

    init(width: Int) {
        self.width = width
        idle = Array((0..<width).reversed())
    }

    /// The first drainer starts at once, the others by and by.
    mutating func planAfterSubmit() -> Plan {
        var plan = Plan()
        if idle.count == width, !jobs.isEmpty { plan.drainer = idle.popLast() }
        // One job for a drainer that starts needs no watching: single short jobs cost no timer.
        let surplus = jobs.count - (plan.drainer == nil ? 0 : 1)
        if surplus > 0, !isWatched, !idle.isEmpty {
            isWatched = true
            plan.looksAgain = true
        }
        return plan
    }

    mutating func planGrowth(_ now: Instant) -> Plan {
        guard let oldest = jobs.oldest, !idle.isEmpty else {
            isWatched = false
            return Plan()
        }
        let isOverdue = now - oldest >= WorkerPool.growthInterval
        return Plan(drainer: isOverdue ? idle.popLast() : nil, looksAgain: true)
    }

    /// The oldest job; `nil` ends the drainer.
    mutating func next(for drainer: Int) -> (any WorkerJob)? {
        let job = jobs.popFirst()
        if job == nil { idle.append(drainer) }
        return job
    }
}

/// Jobs in the order they came, with the time at which they did: a ring.
private struct JobList {
    private struct Entry {
        let job: any WorkerJob
        let since: Instant
    }

    private var slots = [Entry?](repeating: nil, count: 16)
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var oldest: Instant? { isEmpty ? nil : slots[head]?.since }

    mutating func append(_ job: any WorkerJob, at now: Instant) {
        if count == slots.count { grow() }
        slots[(head + count) & (slots.count - 1)] = Entry(job: job, since: now)
        count += 1
    }

    mutating func popFirst() -> (any WorkerJob)? {
        guard let entry = slots[head] else { return nil }
        slots[head] = nil
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return entry.job
    }

    private mutating func grow() {
        slots = Array(slots[head...] + slots[..<head]) + [Entry?](repeating: nil, count: slots.count)
        head = 0
    }
}
