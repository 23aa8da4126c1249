import Glibc
import PenstockBytes
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import Synchronization

/// One process of a function, and our end of it.
///
/// It belongs to one loop at a time: to the one that holds it, by a lease or because it is starting or ending, and while
/// it is idle to the pool's lock. What it does next is decided by ``InstanceState``.
final class FunctionInstance: @unchecked Sendable {  // see above: `holder` says which thread may touch it
    /// Nobody holds it: it is in the pool's book.
    static let nobody = -1

    let pool: InstancePool
    let wire: FunctionSettings.Wire
    let responseLimit: Int

    private let timeout: Int64

    /// Its number in its pool, from 1 on: what the log calls it.
    let number: Int

    /// The loop that holds it, or ``nobody``.
    ///
    /// Written under the pool's lock, or by its holder.
    let holder: Atomic<Int>

    /// The loop that watches its descriptors; written under the pool's lock.
    var home: Int

    private(set) var state = InstanceState()
    var descriptors = InstanceDescriptors(events: -1, answers: -1, log: -1)

    /// What it works on.
    var ticket: Ticket?

    /// The id of that.
    ///
    /// It begins anywhere, so that nobody who finds the pipe can guess it.
    var currentID = UInt64.random(in: 0...UInt64.max)

    /// How many bytes of that its pipe has taken.
    ///
    /// They stay in the invocation's frame, where the pipe holds them all: another instance may need them.
    var sent = 0

    /// The beginning of an answer that has not all come.
    var received = ByteBuffer()

    /// Bytes of the answer that has begun, as far as that is known.
    var expected = 0

    var log = InstanceLog()

    /// How many events it has answered.
    private(set) var answered = 0

    /// Whether it ever had an event.
    private var hasWorked = false

    /// Whether it ever said READY.
    private(set) var wasReady = false

    /// Whether it is ending: what it answers still counts, but it takes no more.
    private(set) var isDoomed = false

    /// Of every loop that ever watched it.
    var watches: [InstanceWatches?]

    var isWatchingAnswers = false
    var isWatchingEvents = false
    var isWatchingLog = false

    private var process: UInt64 = 0
    private var isStartReported = false
    private var startedAt = Instant.never
    private var readyAt = Instant.never

    /// Under the pool's lock.
    var counted = Counted.starting

    /// As what the pool counts it besides all that are alive.
    enum Counted { case starting, ready, ending }

    /// Whether it ends as it should.
    private var wasAskedToEnd = false
    private lazy var timer = Timer(target: self)

    init(_ pool: InstancePool, number: Int, home: Int) {
        self.pool = pool
        wire = pool.settings.wire
        responseLimit = pool.settings.responseLimit
        timeout = pool.settings.timeout
        self.number = number
        self.home = home
        holder = Atomic(home)
        watches = Array(repeating: nil, count: pool.shares.count)
    }

    var share: InstanceLoop { pool.shares[home] }
    var phase: InstanceState.Phase { state.phase }

    // MARK: Life

    /// Asks the spawner for the process.
    ///
    /// On its loop.
    func start() {
        startedAt = MonotonicClock.now()
        share.metrics(of: pool.settings.name).coldStarted()
        share.loop.set(timer, at: share.loop.now + pool.settings.initTimeout)
        do {
            var launch = try InstanceLaunch(pool.settings, pool.spawner.bootstraps)
            defer { launch.closeTheirs() }
            descriptors = launch.ours
            process = try pool.spawner.spawn(launch.launch, for: self)
        } catch {
            let failure = InvocationError(.gateway, type: "Gateway.SpawnFailed", message: "\(error)")
            perform(state.receive(.exited), failure)
        }
    }

    private func started() {
        let actions = state.receive(.spawned)
        if phase == .starting {
            attach()
            if wire != .frames { becomeReady() }
        }
        perform(actions, nil)
    }

    /// It may be given events.
    ///
    /// Where it speaks no frames, it has no way to say when.
    func becomeReady() {
        guard phase == .starting else { return violate(.unexpected(.ready)) }
        share.loop.cancel(timer)
        wasReady = true
        readyAt = MonotonicClock.now()
        share.metrics(of: pool.settings.name).initialised(nanoseconds: readyAt - startedAt)
        perform(state.receive(.ready), nil)
    }

    /// Whether it ended without having been asked to, or given anything to do.
    var hasCrashedIdle: Bool { !wasAskedToEnd && !hasWorked }

    /// Works on `ticket` from now on.
    ///
    /// On the loop that holds it.
    func run(_ ticket: Ticket) {
        _ = state.receive(.take)
        self.ticket = ticket
        let now = MonotonicClock.now()
        ticket.start(at: now, on: number, startedAt: startedAt, readyAt: readyAt)
        share.loop.set(timer, at: now + timeout)
        currentID &+= 1
        hasWorked = true
        if wire == .lines, hasSpoken() { return refuseSpeech() }
        beginEvent(at: now, timeout: timeout)
    }

    /// It has answered; gives the ticket back, and itself to the pool.
    ///
    /// - Parameters:
    ///   - surplus: whether it has written more than the answer.
    ///   - isLast: whether it ends now.
    /// - Returns: whom the answer is for. The instance may be on another loop from here on.
    func finishEvent(surplus: Bool, isLast: Bool = false) -> Ticket? {
        readLog(untilDry: true)
        let finished = ticket
        ticket = nil
        answered &+= 1
        share.loop.cancel(timer)
        if surplus || isLast { isDoomed = true }
        perform(state.receive(.answered), nil)
        if surplus { violate(.surplusBytes) } else if isLast { drain() }
        return finished
    }

    /// Ends it when it has nothing to do.
    ///
    /// On the loop that holds it.
    func drain() {
        wasAskedToEnd = true
        perform(state.receive(.drain), nil)
    }

    /// It has come from another loop, for `ticket`.
    ///
    /// On the loop that holds it now.
    func arrive(for ticket: Ticket) {
        if phase == .idle { attach() }
        if ticket.invocation?.isAbandoned != false {
            ticket.failed(at: MonotonicClock.now(), .abandoned)
            if phase == .idle { pool.offer(self) }
        } else if phase == .idle {
            run(ticket)
        } else {
            pool.accept(ticket, on: home, at: MonotonicClock.now())
        }
    }

    /// It has written what it must not.
    func violate(_ error: FrameError) { fail(InstanceFailure.violation(error)) }

    /// It has to go, for this reason.
    func fail(_ failure: InvocationError) {
        isDoomed = true
        perform(state.receive(.violation), failure)
    }

    /// It could not start, in its own words.
    func refuse(_ payload: UnsafeRawBufferPointer) {
        guard phase == .starting else { return violate(.unexpected(.initError)) }
        perform(state.receive(.refused), InvocationError(.start, payload: payload))
    }

    /// Its channel has ended.
    ///
    /// A command that answers by ending may go on until its time is over.
    func channelClosed() { letGo(endChannel) }

    private func endChannel() {
        stopWatchingAnswers()
        perform(state.receive(.closed), nil)
        if phase == .closed, ticket == nil || wire != .once {
            share.loop.set(timer, at: share.loop.now + 1_000_000_000)
        }
    }

    private func exited(_ status: Int32?) {
        isDoomed = true
        // Where nobody can say how, the spawner has ended and has taken it along.
        if status == nil { wasAskedToEnd = true }
        if phase != .killed { readToEnd() }
        if wire == .once, status == 0, phase == .busy || phase == .closed { answerOnce() }
        letGo {
            let failure = ticket?.invocation.map { InstanceFailure.exited(status, $0.requestID) }
            perform(state.receive(.exited), failure ?? InstanceFailure.exitedAtStart(status))
        }
    }

    /// A command has ended with status 0: what it wrote is the answer.
    private func answerOnce() {
        guard let finished = ticket else { return }
        readLog(untilDry: true)
        wasAskedToEnd = true
        ticket = nil
        answered &+= 1
        finished.returned(at: MonotonicClock.now(), received.readable)
    }

    // MARK: What the state asks for

    private func perform(_ actions: InstanceState.Actions, _ failure: InvocationError?) {
        if actions.contains(.fail), let failure { failPending(failure) }
        if actions.contains(.kill) {
            pool.spawner.signal(process, SIGKILL)
            stopWatchingAnswers()
            share.loop.cancel(timer)
        }
        if actions.contains(.terminate) {
            pool.spawner.signal(process, SIGTERM)
            share.loop.set(timer, at: share.loop.now + 2_000_000_000)
        }
        if actions.contains(.close) {
            closeEvents()
            share.loop.set(timer, at: share.loop.now + 2_000_000_000)
        }
        if actions.contains(.release) { release() }
        if actions.contains(.offer), !isDoomed { pool.offer(self) }
    }

    private func failPending(_ failure: InvocationError) {
        readLog(untilDry: true)
        if let failed = ticket {
            report(failure)
            ticket = nil
            failed.failed(at: MonotonicClock.now(), failure)
        } else if wasReady {
            if !wasAskedToEnd { report(failure) }
        } else if !isStartReported {
            isStartReported = true
            if failure.kind == .gateway {
                if pool.startPostponed(of: self) { report(failure) }
            } else {
                report(failure)
                pool.startFailed(failure, of: self)
            }
        }
    }

    private func release() {
        readLog(untilDry: true)
        share.loop.cancel(timer)
        detach()
        for (index, watches) in watches.enumerated() where index != home {
            guard let watches else { continue }
            let loop = pool.shares[index].loop
            loop.submit { watches.forget(on: loop) }
        }
        watches = []
        descriptors.closeAll()
        received.release()
        pool.ended(self)
    }

    /// It ends by itself, by `end`: its event fails with it, but where it has read nothing of that.
    private func letGo(_ end: () -> Void) { hasReadNothing() ? giveBackUnread(end) : end() }

    /// What it was to work on goes to another one: it is dead, or must go, and has read nothing of it.
    ///
    /// But not twice to one that never answered anything: a program that is always like that would be started for ever.
    /// And to none if nobody waits for the answer any more.
    ///
    /// - Parameter end: ends this one, after its event has gone.
    func giveBackUnread(_ end: () -> Void) {
        guard let unread = ticket, unread.startAgain(isCounted: answered == 0) else { return end() }
        ticket = nil
        hasWorked = answered > 0
        share.loop.cancel(timer)
        let index = home
        end()
        let now = MonotonicClock.now()
        if unread.invocation?.isAbandoned != false { return unread.failed(at: now, .abandoned) }
        pool.accept(unread, on: index, at: now)
    }
}

// MARK: - What the spawner and the clock say

extension FunctionInstance: SpawnerClient, TimerTarget {
    func processStarted(_ pid: Int32) { pool.deliver(to: self) { $0.started() } }

    func processFailed(_ error: SystemError) {
        pool.deliver(to: self) { instance in
            let failure = InvocationError(
                .start,
                type: "Runtime.ExecFailed",
                message: "\(instance.launchedPath): \(error)"
            )
            instance.perform(instance.state.receive(.exited), failure)
        }
    }

    private var launchedPath: String {
        switch pool.settings.program {
        case .python(let interpreter, _, _), .node(let interpreter, _, _): interpreter
        case .jsonLines(let program, _), .exec(let program, _): program
        }
    }

    func processExited(_ status: Int32?) { pool.deliver(to: self) { $0.exited(status) } }

    func expired(_ timer: Timer) {
        let failure: InvocationError
        switch phase {
        case .spawning, .starting: failure = InstanceFailure.notReady(after: pool.settings.initTimeout)
        case .busy: failure = timedOut()
        case .closed: failure = wire == .once && ticket != nil ? timedOut() : InstanceFailure.channelClosed
        case .idle, .draining, .terminating, .killed, .exited: failure = InstanceFailure.channelClosed
        }
        isDoomed = true
        perform(state.receive(.expired), failure)
    }

    private func timedOut() -> InvocationError {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        return .timedOut(after: timeout, requestID: ticket?.invocation?.requestID ?? none)
    }
}
