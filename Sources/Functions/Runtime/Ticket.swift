import PenstockBytes
import PenstockNetworking
import PenstockSystem

/// An invocation's place in a pool: waiting, leased or running.
///
/// Recycled by its invoker. The pool's lock holds references to it; everything else happens on its loop.
final class Ticket: @unchecked Sendable {  // confined to its loop; in a pool's queue it is only a reference
    /// Where it is.
    enum Phase { case free, waiting, running }

    private(set) var phase = Phase.free
    private(set) var invocation: Invocation?

    /// Whether the frame was made ready for an instance before, which had died.
    var isSealed = false

    /// Kept by ``keeper`` while the ticket is in use; without a cycle while it is not.
    private unowned(unsafe) let invoker: InstanceInvoker
    private var keeper: InstanceInvoker?

    /// Whether an instance that never answered anything has given it back.
    private var wasGivenBack = false

    private var acceptedAt = Instant.never
    private var startedAt = Instant.never
    private lazy var timer = Timer(target: self)

    init(_ invoker: InstanceInvoker) { self.invoker = invoker }

    func begin(_ invocation: Invocation, at now: Instant) {
        self.invocation = invocation
        invocation.ticket = self
        keeper = invoker
        acceptedAt = now
        isSealed = false
        wasGivenBack = false
        phase = .waiting
    }

    /// Its time in the queue ends `nanoseconds` after it was accepted first, if nothing else ends it.
    func wait(_ nanoseconds: Int64) { invoker.loop.set(timer, at: acceptedAt + nanoseconds) }

    /// It has `nanoseconds` more: an instance is about to run it.
    func waitOn(_ nanoseconds: Int64) { invoker.loop.set(timer, at: invoker.loop.now + nanoseconds) }

    /// An instance has it now.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - instance: the instance's number.
    ///   - instanceStartedAt: when the instance was asked for.
    ///   - readyAt: when it was ready; the time between is this ticket's only if it waited for it.
    func start(at now: Instant, on instance: Int, startedAt instanceStartedAt: Instant, readyAt: Instant) {
        phase = .running
        startedAt = now
        invocation?.instance = instance
        invocation?.queueNanoseconds = now - acceptedAt
        invocation?.initNanoseconds = acceptedAt < readyAt ? readyAt - instanceStartedAt : -1
        if timer.isSet { invoker.loop.cancel(timer) }
    }

    /// The instance that was to have it is gone before it read a byte.
    ///
    /// - Parameter isCounted: whether this may happen once only.
    /// - Returns: whether it may go to another one.
    func startAgain(isCounted: Bool) -> Bool {
        guard !(isCounted && wasGivenBack) else { return false }
        wasGivenBack = wasGivenBack || isCounted
        phase = .waiting
        return true
    }

    func replied(at now: Instant, _ envelope: Envelope, _ payload: UnsafeRawBufferPointer) {
        guard let invocation = end(at: now) else { return }
        invocation.observer?.replied(
            invocation,
            status: envelope.status,
            fields: UnsafeRawBufferPointer(rebasing: payload[envelope.fields]),
            body: UnsafeRawBufferPointer(rebasing: payload[envelope.body])
        )
    }

    func returned(at now: Instant, _ json: UnsafeRawBufferPointer) {
        guard let invocation = end(at: now) else { return }
        invocation.observer?.returned(invocation, json: json)
    }

    func failed(at now: Instant, _ error: InvocationError) {
        guard let invocation = end(at: now) else { return }
        invocation.observer?.failed(invocation, error)
    }

    private func end(at now: Instant) -> Invocation? {
        guard let ended = invocation else { return nil }
        if phase == .running {
            ended.runNanoseconds = now - startedAt
        } else {
            ended.queueNanoseconds = now - acceptedAt
        }
        if timer.isSet { invoker.loop.cancel(timer) }
        phase = .free
        invocation = nil
        ended.ticket = nil
        invoker.recycle(self)
        keeper = nil
        return ended
    }
}

extension Ticket: TimerTarget {
    /// It has waited as long as it may.
    func expired(_ timer: Timer) { invoker.expired(self) }
}

/// A pool's face towards one loop.
public final class InstanceInvoker: FunctionInvoker, @unchecked Sendable {  // confined to its loop
    let loop: EventLoop
    private let pool: InstancePool
    private let index: Int
    private var free: [Ticket] = []

    init(_ pool: InstancePool, on index: Int) {
        self.pool = pool
        self.index = index
        loop = pool.shares[index].loop
    }

    /// Gives the event to an instance, or puts it into the queue.
    public func invoke(_ invocation: Invocation) {
        let ticket = free.popLast() ?? Ticket(self)
        let now = MonotonicClock.now()
        ticket.begin(invocation, at: now)
        pool.accept(ticket, on: index, at: now)
    }

    /// Takes the event out of the queue, if it has not started.
    public func cancel(_ invocation: Invocation) {
        guard let ticket = invocation.ticket as? Ticket, ticket.phase == .waiting else { return }
        if pool.remove(ticket, on: index) { ticket.failed(at: loop.now, .abandoned) }
    }

    func expired(_ ticket: Ticket) {
        guard ticket.phase == .waiting else { return }
        if pool.isAboutToRun(ticket, on: index) { return ticket.waitOn(50_000_000) }
        if pool.remove(ticket, on: index) { ticket.failed(at: MonotonicClock.now(), .queueTimeout(noFree: "instance")) }
    }

    func recycle(_ ticket: Ticket) { if free.count < 64 { free.append(ticket) } }
}
