import CLinux
public import PenstockSystem

/// One thread's share of the gateway: an epoll, its descriptors, timers and scratch memory.
///
/// Everything but ``submit(_:)`` and ``stop()`` belongs to the thread in ``run()``. Nothing of it is locked, and nothing
/// of one loop is touched by another.
public final class EventLoop: @unchecked Sendable {  // confined to its thread; the mailbox has a lock
    /// 0, 1, ...
    ///
    /// in its group; supervisors come behind the loops that serve.
    public let index: Int

    /// The time at which this round began.
    public var now: Instant { roundStart }

    /// 256 KiB for what one `recv` brings: large bodies cost fewer calls, and wake their senders less often.
    ///
    /// Its content is good until the callback returns.
    public let input: UnsafeMutableRawBufferPointer

    /// The call that fails where the kernel has no io_uring(7) or forbids it.
    public static let ringCall = "io_uring_setup"

    private let epoll: FileDescriptor
    @exclusivity(unchecked) private var roundStart: Instant
    private let mailbox: Mailbox
    @exclusivity(unchecked) private var registrations: [Registration] = []
    @exclusivity(unchecked) private var delivering: Int32 = -1
    @exclusivity(unchecked) private var retired: [any EventSource] = []
    @exclusivity(unchecked) private var generation: UInt32 = 0
    @exclusivity(unchecked) private var wheel: TimerWheel
    @exclusivity(unchecked) private var due: [Timer] = []
    @exclusivity(unchecked) private var dirty: [any Flushable] = []
    @exclusivity(unchecked) private var gathered: [any Flushable] = []
    @exclusivity(unchecked) private var senders: SendBatch
    @exclusivity(unchecked) private var turns: [any Flushable] = []
    @exclusivity(unchecked) private var fullRounds = 0
    @exclusivity(unchecked) private var isRunning = false
    @exclusivity(unchecked) private var events: UnsafeMutablePointer<penstock_event>
    private static let batch = 256

    /// Sources of ``flushInTurn(_:)`` that one round serves.
    private static let turnsPerRound = 8

    /// Rounds with more events than one takes, after which timers fire all the same.
    private static let mostFullRounds = 16

    private struct Registration {
        var source: (any EventSource)?
        var generation: UInt32 = 0
        var tag: Int32 = 0
    }

    /// Makes a loop that is not running yet.
    ///
    /// - Parameters:
    ///   - index: its place in its group.
    ///   - sending: how it sends the bytes of ``sendAfterRound(_:)``.
    /// - Throws: ``SystemError`` when descriptors have run out.
    public init(index: Int, sending: SendMethod = .oneByOne) throws(SystemError) {
        let descriptor = penstock_epoll_create()
        guard descriptor >= 0 else { throw SystemError(call: "epoll_create1") }
        self.index = index
        epoll = FileDescriptor(owning: descriptor)
        let now = MonotonicClock.now()
        roundStart = now
        wheel = TimerWheel(now: now)
        input = .allocate(byteCount: 262_144, alignment: 64)
        events = .allocate(capacity: Self.batch)
        senders = try SendBatch(sending)
        mailbox = try Mailbox()
        guard
            penstock_epoll_add(epoll.rawValue, mailbox.descriptor, Readiness.readable.rawValue, .max)
                == 0
        else { throw SystemError(call: "epoll_ctl") }
    }

    deinit {
        input.deallocate()
        events.deallocate()
    }

    // MARK: Descriptors

    /// Watches `descriptor` and keeps `source` until ``deregister(_:)``.
    ///
    /// - Parameters:
    ///   - descriptor: an open descriptor that this loop does not watch yet.
    ///   - source: what is called when it is ready.
    ///   - interest: what to watch for.
    /// - Throws: ``SystemError``.
    public func register(
        _ descriptor: Int32,
        _ source: any EventSource,
        _ interest: Readiness
    ) throws(SystemError) {
        generation &+= 1
        let data = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        guard penstock_epoll_add(epoll.rawValue, descriptor, interest.rawValue, data) == 0 else {
            throw SystemError(call: "epoll_ctl")
        }
        while registrations.count <= Int(descriptor) { registrations.append(Registration()) }
        registrations[Int(descriptor)] = Registration(source: source, generation: generation)
    }

    /// Watches `descriptor` for something else from now on.
    public func watch(_ descriptor: Int32, _ interest: Readiness) {
        let generation = registrations[Int(descriptor)].generation
        let data = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        let result = penstock_epoll_modify(epoll.rawValue, descriptor, interest.rawValue, data)
        precondition(result == 0, "a registered descriptor was closed behind its loop's back")
    }

    /// Watches `descriptor` no longer; call it before the descriptor is closed.
    ///
    /// An event of this round that has not been delivered yet never will be. The source is kept to the end of the
    /// round, so that whatever it calls may end it. Nothing happens where ``register(_:_:_:)`` has failed.
    public func deregister(_ descriptor: Int32) {
        guard Int(descriptor) < registrations.count else { return }
        _ = penstock_epoll_remove(epoll.rawValue, descriptor)
        if let source = registrations[Int(descriptor)].source { retired.append(source) }
        registrations[Int(descriptor)] = Registration()
    }

    /// Gives the events of a watched descriptor to another source.
    ///
    /// - Parameters:
    ///   - descriptor: the descriptor.
    ///   - source: may be that of many.
    ///   - tag: by which it knows, in ``readyTag``, whose event it is told of.
    public func replace(_ descriptor: Int32, with source: any EventSource, tag: Int32 = 0) {
        if let old = registrations[Int(descriptor)].source { retired.append(old) }
        registrations[Int(descriptor)].source = source
        registrations[Int(descriptor)].tag = tag
    }

    /// The tag of the descriptor whose source is being told now that it is ready.
    public var readyTag: Int32 { delivering }

    /// Watches `descriptor` no longer, so that another loop can; from any thread.
    ///
    /// Its source stays until ``forget(_:_:)``, and may still be told of an event that this loop had already taken from
    /// the kernel: it has to know by itself whose the descriptor is.
    public func disown(_ descriptor: Int32) { _ = penstock_epoll_remove(epoll.rawValue, descriptor) }

    /// Lets the source of a disowned descriptor go, unless the number has another source by now.
    public func forget(_ descriptor: Int32, _ source: any EventSource) {
        guard Int(descriptor) < registrations.count, registrations[Int(descriptor)].source === source else { return }
        registrations[Int(descriptor)] = Registration()
    }

    // MARK: Time

    /// Makes `timer` fire at `deadline`: to 4 ms, never early.
    ///
    /// Cheap when it only moves later.
    public func set(_ timer: Timer, at deadline: Instant) { wheel.set(timer, at: deadline) }

    /// Makes `timer` not fire.
    public func cancel(_ timer: Timer) { wheel.cancel(timer) }

    // MARK: Work

    /// Calls `source.flush()` when the callback that is running returns; once however often it is asked, if the source
    /// asks only while it has nothing planned.
    public func flushSoon(_ source: any Flushable) { dirty.append(source) }

    /// Calls `source.flush()` when every event of this round has been delivered.
    ///
    /// Once however often it is asked, if the source asks only while it has nothing planned.
    public func flushAfterRound(_ source: any Flushable) { gathered.append(source) }

    /// Sends the bytes of `source` when every event of this round has been delivered: those of all sources at once.
    ///
    /// Once however often it is asked, if the source asks only while it has nothing planned.
    public func sendAfterRound(_ source: any Sender) { senders.add(source) }

    /// Calls `source.flush()` in one of the next rounds, first come, first served, and few sources a round: for long work
    /// that takes turns with everything else.
    public func flushInTurn(_ source: any Flushable) { turns.append(source) }

    /// Runs `work` on the loop's thread, soon.
    ///
    /// From any thread.
    public func submit(_ work: @escaping @Sendable () -> Void) { mailbox.post(work) }

    /// Makes ``run()`` return after this round.
    ///
    /// From any thread.
    public func stop() { submit { self.isRunning = false } }

    /// Lets go of whatever it watches and was asked to do: it does not run again, and what it holds may hold it.
    ///
    /// On the thread that ran it, or when that has ended.
    public func close() {
        wheel.cancelAll()
        let released = (registrations, retired, turns, mailbox.take())
        registrations = Array(repeating: Registration(), count: registrations.count)
        retired = []
        turns = []
        withExtendedLifetime(released) {}  // what goes may still say that it is watched no longer
    }

    /// Serves until ``stop()``.
    ///
    /// Blocks its thread.
    public func run() {
        isRunning = true
        while isRunning {
            let wait = turns.isEmpty ? wheel.wait(from: now) : 0
            let count = penstock_epoll_wait(epoll.rawValue, events, Int32(Self.batch), wait)
            roundStart = MonotonicClock.now()
            if count > 0 { deliver(Int(count)) }
            if mayFireTimers(Int(count)) { fireTimers() }
            if !turns.isEmpty { takeTurns() }
            flushGathered()
            send()
            if !retired.isEmpty { retired.removeAll() }
        }
    }

    /// While descriptors are ready that nobody has looked at, a deadline may have been kept that seems missed.
    private func mayFireTimers(_ count: Int) -> Bool {
        fullRounds = count == Self.batch ? fullRounds &+ 1 : 0
        guard fullRounds == 0 || fullRounds > Self.mostFullRounds else { return false }
        fullRounds = 0
        return true
    }

    private func takeTurns() {
        let count = min(turns.count, Self.turnsPerRound)
        for index in 0..<count {
            turns[index].flush()
            flush()
        }
        turns.removeFirst(count)
    }

    private func flushGathered() {
        guard !gathered.isEmpty else { return }
        for source in gathered { source.flush() }
        gathered.removeAll(keepingCapacity: true)
    }

    private func send() {
        while !senders.isEmpty {
            let sent = senders.send()
            for source in sent {
                source.afterSending()
                flush()
            }
            senders.reuse(sent)
        }
    }

    private func deliver(_ count: Int) {
        for index in 0..<count {
            let event = events[index]
            if event.data == .max {
                runMail()
                continue
            }
            let descriptor = Int(UInt32(truncatingIfNeeded: event.data))
            let registration = registrations[descriptor]
            guard registration.generation == UInt32(truncatingIfNeeded: event.data >> 32) else { continue }
            delivering = registration.tag
            registration.source?.ready(Readiness(rawValue: event.events))
            flush()
        }
    }

    private func runMail() {
        for work in mailbox.take() {
            work()
            flush()
        }
    }

    private func fireTimers() {
        wheel.advance(to: now, due: &due)
        guard !due.isEmpty else { return }
        for timer in due where timer.deadline <= now {
            timer.deadline = .never
            timer.target?.expired(timer)
            flush()
        }
        due.removeAll(keepingCapacity: true)
    }

    private func flush() {
        while !dirty.isEmpty {
            let source = dirty.removeLast()
            source.flush()
        }
    }
}
