import PenstockSystem

/// Who waits for an instance and which instances wait for work, loop by loop.
///
/// A value, the content of a pool's lock: it knows no process and no thread. Idle instances of a loop are a stack, so
/// that the ones on top stay warm and the ones below age; whoever waits stands in one queue a loop, by time.
struct LeaseBook<Instance: AnyObject, Waiter: AnyObject> {
    /// A waiter of another loop goes first when it came so many nanoseconds earlier than ours.
    static var patience: Int64 { 2_000_000 }

    private struct Idle {
        let instance: Instance
        let since: Instant
    }

    private struct Waiting {
        let waiter: Waiter
        let since: Instant
    }

    private struct Shelf {
        var idle: [Idle] = []
        var waiting: [Waiting] = []

        /// Where the queue begins in ``waiting``: what is before it has been taken.
        var first = 0
        var isWaiting: Bool { first < waiting.count }

        mutating func takeFirst() -> Waiter {
            let waiter = waiting[first].waiter
            first += 1
            if first == waiting.count || first > 64 {
                waiting.removeFirst(first)
                first = 0
            }
            return waiter
        }
    }

    private var shelves: [Shelf]

    /// How many instances are idle.
    private(set) var idleCount = 0

    /// How many wait.
    private(set) var waitingCount = 0

    /// An empty book for `loops` loops.
    init(loops: Int) { shelves = Array(repeating: Shelf(), count: loops) }

    // MARK: Instances

    /// Takes an idle instance for `loop`: the one that was used last there, else the one longest idle elsewhere.
    ///
    /// - Returns: the instance, and the loop that it is on.
    mutating func take(for loop: Int) -> (instance: Instance, home: Int)? {
        guard idleCount > 0 else { return nil }
        idleCount -= 1
        if let own = shelves[loop].idle.popLast() { return (own.instance, loop) }
        var oldest = -1
        for index in shelves.indices {
            guard let candidate = shelves[index].idle.first else { continue }
            if oldest < 0 || candidate.since < shelves[oldest].idle[0].since { oldest = index }
        }
        return (shelves[oldest].idle.removeFirst().instance, oldest)
    }

    /// Puts an instance on top of its loop's stack.
    mutating func add(_ instance: Instance, on loop: Int, at now: Instant) {
        shelves[loop].idle.append(Idle(instance: instance, since: now))
        idleCount += 1
    }

    /// Takes `instance` out of its loop's stack.
    ///
    /// - Returns: whether it was there.
    mutating func remove(_ instance: Instance, on loop: Int) -> Bool {
        guard let place = shelves[loop].idle.lastIndex(where: { $0.instance === instance }) else { return false }
        shelves[loop].idle.remove(at: place)
        idleCount -= 1
        return true
    }

    /// Takes out at most `count` instances that are idle since before `limit`, the oldest first.
    mutating func takeIdle(before limit: Instant, atMost count: Int) -> [(instance: Instance, home: Int)] {
        var taken: [(Instance, Int)] = []
        for index in shelves.indices {
            while taken.count < count, let oldest = shelves[index].idle.first, oldest.since <= limit {
                taken.append((shelves[index].idle.removeFirst().instance, index))
                idleCount -= 1
            }
        }
        return taken
    }

    // MARK: Waiters

    /// Puts a waiter at the end of its loop's queue.
    mutating func enqueue(_ waiter: Waiter, on loop: Int, at now: Instant) {
        shelves[loop].waiting.append(Waiting(waiter: waiter, since: now))
        waitingCount += 1
    }

    /// Takes the waiter that an instance on `loop` serves next: the loop's own first one, but not before one of another
    /// loop that came clearly earlier.
    mutating func next(for loop: Int) -> (waiter: Waiter, loop: Int)? {
        guard waitingCount > 0 else { return nil }
        var chosen = shelves[loop].isWaiting ? loop : -1
        var bound = Int64.max
        if chosen >= 0 { bound = head(of: loop).nanoseconds &- Self.patience }
        for index in shelves.indices where index != loop && shelves[index].isWaiting {
            let since = head(of: index).nanoseconds
            guard since < bound else { continue }
            bound = since
            chosen = index
        }
        waitingCount -= 1
        return (shelves[chosen].takeFirst(), chosen)
    }

    private func head(of loop: Int) -> Instant { shelves[loop].waiting[shelves[loop].first].since }

    /// Takes `waiter` out of its loop's queue.
    ///
    /// - Returns: whether it was there.
    mutating func remove(_ waiter: Waiter, on loop: Int) -> Bool {
        guard let place = place(of: waiter, on: loop) else { return false }
        shelves[loop].waiting.remove(at: place)
        waitingCount -= 1
        return true
    }

    /// How many came before `waiter`; `nil` when it does not wait.
    func position(of waiter: Waiter, on loop: Int) -> Int? {
        guard let place = place(of: waiter, on: loop) else { return nil }
        let since = shelves[loop].waiting[place].since
        var count = place - shelves[loop].first
        for index in shelves.indices where index != loop {
            count += shelves[index].waiting[shelves[index].first...].prefix { $0.since < since }.count
        }
        return count
    }

    private func place(of waiter: Waiter, on loop: Int) -> Int? {
        shelves[loop].waiting[shelves[loop].first...].firstIndex { $0.waiter === waiter }
    }

    /// Takes out everybody who waits.
    mutating func takeAllWaiters() -> [(waiter: Waiter, loop: Int)] {
        var taken: [(Waiter, Int)] = []
        for index in shelves.indices {
            while shelves[index].isWaiting { taken.append((shelves[index].takeFirst(), index)) }
        }
        waitingCount = 0
        return taken
    }
}
