public import PenstockNetworking
import PenstockObservability
import PenstockSystem
import Synchronization

/// The instances of one function, and the events that wait for one.
///
/// Every loop asks its own ``InstanceInvoker``. One lock guards who holds which instance; it is held for a few stores.
/// Call ``retire()`` before letting go of it.
public final class InstancePool: Sendable {
    /// The function.
    public let settings: FunctionSettings

    let shares: [InstanceLoop]
    let spawner: Spawner

    /// The function's name, as lines of its log carry it.
    let name: [UInt8]

    let state: Mutex<State>
    private let keeper: PoolKeeper

    struct State {
        var book: LeaseBook<FunctionInstance, Ticket>
        var invokers: [InstanceInvoker] = []

        /// Instances that were asked for and are not gone.
        var alive = 0

        /// Those of them that are not ready yet.
        var starting = 0

        /// Those that were ready, and have not been asked to end.
        var ready = 0

        /// Whether one is wanted even where ``FunctionSettings/minimum`` is 0.
        var isTried = false
        var backoff = CrashBackoff()

        /// While no process can be asked for: the spawner is on its way back, or descriptors have run out.
        var shortage = CrashBackoff(first: 20_000_000, longest: 1_000_000_000)
        var lastFailure: InvocationError?
        var isRetiring = false
        var started = 0
        var failedStarts = 0
    }

    /// A pool without instances.
    ///
    /// - Parameters:
    ///   - settings: the function.
    ///   - shares: of the loops that invoke it, by ``EventLoop/index``; the same objects for all pools.
    ///   - spawner: starts its instances.
    ///   - supervisor: the loop that looks after idle instances and failed ones.
    public init(_ settings: FunctionSettings, on shares: [InstanceLoop], spawner: Spawner, supervisor: EventLoop) {
        self.settings = settings
        self.shares = shares
        self.spawner = spawner
        name = Array(settings.name.utf8)
        state = Mutex(State(book: LeaseBook(loops: shares.count)))
        keeper = PoolKeeper(supervisor)
        let invokers = shares.indices.map { InstanceInvoker(self, on: $0) }
        state.withLock { $0.invokers = invokers }
    }

    /// Starts ``FunctionSettings/minimum`` instances.
    public func begin() {
        state.withLock { $0.isTried = false }
        keeper.wake(self)
    }

    /// Starts one instance before anybody asks, to see whether that works: ``trial`` tells.
    public func tryOut() {
        state.withLock { $0.isTried = true }
        keeper.wake(self)
    }

    /// What has come of ``tryOut()``.
    public enum Trial {
        case running, ready
        case failed(InvocationError)
    }

    /// What has come of ``tryOut()`` so far; a command that is started for each event is not tried.
    public var trial: Trial {
        if settings.wire == .once { return .ready }
        return state.withLock { $0.ready > 0 ? .ready : $0.lastFailure.map { .failed($0) } ?? .running }
    }

    /// The face of the pool towards the loop of this index.
    public func invoker(on loop: Int) -> InstanceInvoker { state.withLock { $0.invokers[loop] } }

    /// Ends every instance when it has nothing to do; what waits is still served.
    public func retire() {
        let now = MonotonicClock.now()
        let ending = state.withLock { state -> [(instance: FunctionInstance, home: Int)] in
            state.isRetiring = true
            return Self.takeIdle(&state, before: now, atMost: .max)
        }
        drain(ending)
        keeper.wake(self)
    }

    // MARK: Events

    private enum Admission {
        case lease(FunctionInstance, home: Int)
        case wait(start: Int?)
        case refuse(InvocationError)
    }

    /// Takes an event: an instance runs it, or it waits, or it fails.
    ///
    /// On the loop `index`.
    func accept(_ ticket: Ticket, on index: Int, at now: Instant) {
        switch admit(ticket, on: index, at: now) {
        case .lease(let instance, let home):
            if home != index {
                instance.disown(from: shares[home].loop)
                instance.attach()
            }
            if instance.phase == .idle { instance.run(ticket) } else { accept(ticket, on: index, at: now) }
        case .wait(let number):
            ticket.wait(settings.queueWait)
            if let number { start(number, on: index) }
        case .refuse(let failure): ticket.failed(at: now, failure)
        }
    }

    private func admit(_ ticket: Ticket, on index: Int, at now: Instant) -> Admission {
        state.withLock { state in
            if let (instance, home) = state.book.take(for: index) {
                instance.holder.store(index, ordering: .releasing)
                instance.home = index
                return .lease(instance, home: home)
            }
            let mayStart = state.alive < settings.maximum && Self.allowsStart(state, at: now)
            // One that could not start may take its time to exit: nobody waits for that.
            if state.ready == 0, state.starting == 0, !mayStart, let failure = state.lastFailure {
                return .refuse(failure)
            }
            let starts = mayStart && state.starting <= state.book.waitingCount
            if state.book.waitingCount >= settings.queueLength + state.starting + (starts ? 1 : 0) {
                return .refuse(.queueFull)
            }
            state.book.enqueue(ticket, on: index, at: now)
            return .wait(start: starts ? Self.countStart(&state) : nil)
        }
    }

    /// Takes a waiting event out of the queue; `false` when an instance has it already.
    func remove(_ ticket: Ticket, on index: Int) -> Bool { state.withLock { $0.book.remove(ticket, on: index) } }

    /// Whether an instance is starting that will be this event's.
    func isAboutToRun(_ ticket: Ticket, on index: Int) -> Bool {
        state.withLock { state in
            guard let position = state.book.position(of: ticket, on: index) else { return false }
            return position < state.starting
        }
    }

    // MARK: Instances

    private enum Assignment {
        case run(Ticket)
        case hand(Ticket, Int)
        case drain
        case keep
    }

    /// Takes an idle instance back from the loop that holds it: for the next event, or for the book.
    func offer(_ instance: FunctionInstance) {
        switch assign(instance, at: MonotonicClock.now()) {
        case .run(let ticket): instance.run(ticket)
        case .hand(let ticket, let other):
            instance.detach()
            hand(instance, to: other)
            shares[other].loop.submit { instance.arrive(for: ticket) }
        case .drain: instance.drain()
        case .keep: break
        }
    }

    private func assign(_ instance: FunctionInstance, at now: Instant) -> Assignment {
        state.withLock { state in
            if instance.answered > 0 {
                if state.lastFailure != nil { state.lastFailure = nil }
                state.backoff.succeeded()
            }
            if instance.counted == .starting {
                instance.counted = .ready
                state.starting -= 1
                state.ready += 1
                state.shortage.succeeded()
            }
            if let (ticket, other) = state.book.next(for: instance.home) {
                return other == instance.home ? .run(ticket) : .hand(ticket, other)
            }
            if state.isRetiring { return .drain }
            state.book.add(instance, on: instance.home, at: now)
            instance.holder.store(FunctionInstance.nobody, ordering: .releasing)
            return .keep
        }
    }

    /// Makes `other` the loop that holds the instance; the one that does has let go of its descriptors.
    private func hand(_ instance: FunctionInstance, to other: Int) {
        state.withLock { _ in
            instance.home = other
            instance.holder.store(other, ordering: .releasing)
        }
    }

    /// Takes an instance that is idle on `loop` out of the book, for that loop.
    func claim(_ instance: FunctionInstance, on loop: Int) -> Bool {
        state.withLock { state in
            guard instance.home == loop, state.book.remove(instance, on: loop) else { return false }
            instance.holder.store(loop, ordering: .releasing)
            return true
        }
    }

    /// Runs `body` on the loop that holds the instance; one that is idle is taken out of the book for it.
    func deliver(to instance: FunctionInstance, _ body: @escaping @Sendable (FunctionInstance) -> Void) {
        let home = state.withLock { state in
            if instance.holder.load(ordering: .relaxed) == FunctionInstance.nobody,
                state.book.remove(instance, on: instance.home)
            {
                instance.holder.store(instance.home, ordering: .releasing)
            }
            return instance.home
        }
        shares[home].loop.submit {
            if instance.holder.load(ordering: .acquiring) == home {
                body(instance)
                self.giveBack(instance, home)
            } else {
                self.deliver(to: instance, body)
            }
        }
    }

    private func giveBack(_ instance: FunctionInstance, _ home: Int) {
        guard instance.holder.load(ordering: .acquiring) == home else { return }
        if instance.phase == .idle, !instance.isDoomed { offer(instance) }
    }

    private func start(_ number: Int, on index: Int) {
        keeper.wake(self)
        FunctionInstance(self, number: number, home: index).start()
    }

    private static func allowsStart(_ state: borrowing State, at now: Instant) -> Bool {
        state.backoff.allowsStart(at: now) && state.shortage.allowsStart(at: now)
    }

    private static func countStart(_ state: inout State) -> Int {
        state.alive += 1
        state.starting += 1
        state.started += 1
        return state.started
    }

    /// An instance could not start: where no other is ready, nobody needs to wait any longer.
    func startFailed(_ failure: InvocationError, of instance: FunctionInstance) {
        let now = MonotonicClock.now()
        let victims = state.withLock { state -> [(waiter: Ticket, loop: Int)] in
            state.starting -= 1
            instance.counted = .ending
            state.failedStarts += 1
            state.backoff.failed(at: now)
            state.lastFailure = failure
            return state.ready == 0 ? state.book.takeAllWaiters() : []
        }
        keeper.wake(self)
        for (ticket, loop) in victims {
            shares[loop].loop.submit { ticket.failed(at: MonotonicClock.now(), failure) }
        }
    }

    /// An instance could not be asked for, which says nothing of its function: whoever waits goes on waiting.
    ///
    /// - Returns: whether that is news.
    func startPostponed(of instance: FunctionInstance) -> Bool {
        let now = MonotonicClock.now()
        let isNews = state.withLock { state in
            state.starting -= 1
            instance.counted = .ending
            defer { state.shortage.failed(at: now) }
            return state.shortage.allowsStart(at: now) && !state.isRetiring
        }
        keeper.wake(self)
        return isNews
    }

    /// An instance is gone; another one is started where one is needed.
    func ended(_ instance: FunctionInstance) {
        let now = MonotonicClock.now()
        let number = state.withLock { state -> Int? in
            state.alive -= 1
            switch instance.counted {
            case .starting: state.starting -= 1
            case .ready:
                state.ready -= 1
                if instance.hasCrashedIdle { state.backoff.failed(at: now) }
            case .ending: break
            }
            return nextStart(&state, at: now)
        }
        if let number { start(number, on: instance.home) }
        keeper.wake(self)
    }

    /// The number of the instance that has to be started now, if any.
    func nextStart(_ state: inout State, at now: Instant) -> Int? {
        guard state.alive < settings.maximum, Self.allowsStart(state, at: now) else { return nil }
        let isShort = !state.isRetiring && state.ready + state.starting < wanted(state)
        guard state.starting < state.book.waitingCount || isShort else { return nil }
        return Self.countStart(&state)
    }

    /// How many are to be there, whoever asks.
    private func wanted(_ state: borrowing State) -> Int {
        state.isTried && settings.wire != .once ? max(1, settings.minimum) : settings.minimum
    }

    /// Takes out of the book what is to be drained.
    static func takeIdle(
        _ state: inout State,
        before limit: Instant,
        atMost count: Int
    ) -> [(instance: FunctionInstance, home: Int)] {
        let taken = state.book.takeIdle(before: limit, atMost: count)
        for (instance, home) in taken {
            instance.holder.store(home, ordering: .releasing)
            instance.counted = .ending
        }
        state.ready -= taken.count
        return taken
    }

    func drain(_ instances: [(instance: FunctionInstance, home: Int)]) {
        for (instance, home) in instances { shares[home].loop.submit { instance.drain() } }
    }
}
