import PenstockNetworking
import PenstockSystem
import PenstockTransport
import Synchronization

/// One event on its way through a Swift function that does not run on the loop.
///
///                launch            run                  delivered
///     waiting ───────────▶ (pool) ──────▶ started ───────────────▶ answered
///        │ given up: wait over, client gone  │ given up: timeout, client gone
///        ▼                                   ▼
///     abandoned, never runs               runs on, result dropped
///
/// The exchange, its connection, the timer and ``isAnswered`` are the loop's; phase and times go between threads as atomics, and
/// everything else never changes.
final class SwiftInvocation: WorkerJob, TimerTarget, @unchecked Sendable {
    private enum Phase {
        static let waiting: UInt8 = 0
        static let started: UInt8 = 1
        static let abandoned: UInt8 = 2
    }

    let runtime: SwiftFunctionRuntime
    private let workers: SwiftWorkers
    private let request: RequestSnapshot
    private let handler: SwiftFunctionHandler
    private let enteredAt: Instant

    /// When its route's time is over.
    private let deadline: Instant
    private let phase = Atomic<UInt8>(Phase.waiting)
    private let startedAt = Atomic<Int64>(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// The client's, whose place in the limits is held until this has ended: also for a client that has gone.
    private let connection: ConnectionInfo?
    private var exchange: Exchange?
    private var isAnswered = false
    private lazy var timer = Timer(target: self)

    init(_ exchange: Exchange, _ request: RequestSnapshot, handler: SwiftFunctionHandler) {
        self.exchange = exchange
        connection = exchange.connection
        self.request = request
        self.handler = handler
        runtime = handler.runtime
        workers = handler.workers
        enteredAt = workers.loop.now
        deadline = exchange.routeDeadline
    }

    // MARK: On the loop

    /// Runs it, lets it wait, or refuses it.
    func start() {
        switch runtime.enter(self) {
        case .refused:
            return answer(.failure(.queueFull))
        case .waits: break
        case .runs:
            if case .blocking = runtime.body { workers.submit(self) } else { launchOrRefuse() }
        }
        connection?.holdPlace()
        let settings = runtime.settings
        workers.loop.set(timer, at: workers.loop.now + min(settings.queueWait, settings.timeout))
    }

    func expired(_ timer: Timer) {
        guard !isAnswered else { return }
        let settings = runtime.settings
        let now = workers.loop.now
        if phase.load(ordering: .acquiring) == Phase.started {
            let end = Instant(nanoseconds: startedAt.load(ordering: .relaxed)) + settings.timeout
            guard end <= now else { return workers.loop.set(timer, at: end) }
            task.withLock { $0?.cancel() }
            return answer(.failure(.timedOut(after: settings.timeout, requestID: request.bytes(request.requestID))))
        }
        guard enteredAt + settings.queueWait <= now else {
            // Not started yet, so its own time cannot be over before this.
            return workers.loop.set(timer, at: min(enteredAt + settings.queueWait, now + settings.timeout))
        }
        // Lost to a thread that has just started it: look again when its time is over.
        guard abandon() else { return workers.loop.set(timer, at: now + settings.timeout) }
        exchange?.queueNanoseconds = now - enteredAt
        answer(.failure(.queueTimeout(noFree: "thread")))
    }

    /// Nobody waits for the answer any more.
    func cancel() {
        guard !isAnswered else { return }
        isAnswered = true
        exchange = nil
        workers.loop.cancel(timer)
        _ = abandon()
    }

    /// Makes sure that it does not start; answers whether it has not.
    private func abandon() -> Bool {
        let isMine = phase.compareExchange(
            expected: Phase.waiting,
            desired: Phase.abandoned,
            ordering: .acquiringAndReleasing
        ).exchanged
        if isMine {
            runtime.remove(self)
            connection?.leavePlace()
        }
        return isMine
    }

    private func delivered(_ result: Result<Response, InvocationError>, endedAt: Instant) {
        connection?.leavePlace()
        let started = Instant(nanoseconds: startedAt.load(ordering: .relaxed))
        handler.ran(queue: started - enteredAt, run: endedAt - started)
        guard !isAnswered else {
            if case .failure(let error) = result { handler.report(error, requestID: request.bytes(request.requestID)) }
            return
        }
        exchange?.queueNanoseconds = started - enteredAt
        exchange?.runNanoseconds = endedAt - started
        answer(result)
    }

    private func answer(_ result: Result<Response, InvocationError>) {
        isAnswered = true
        workers.loop.cancel(timer)
        let exchange = self.exchange
        self.exchange = nil
        if let exchange { handler.answer(exchange, result) }
    }

    // MARK: On any thread

    /// Puts it where it will run; it has been admitted.
    ///
    /// - Returns: whether there is room for it.
    private func launch() -> Bool {
        switch runtime.body {
        case .async(let body):
            let running = Task.detached { await self.run(body) }
            task.withLock { $0 = running }
            return true
        case .blocking, .inline: return workers.submitNow(self)
        }
    }

    private func launchOrRefuse() { if !launch() { refused() } }

    /// The pool has no room for it, nor perhaps for those that take its place.
    func refused() {
        fail()
        while let next = runtime.leave(), !next.launch() { next.fail() }
    }

    private func fail() {
        workers.loop.submit { [self] in
            guard !isAnswered, abandon() else { return }
            answer(.failure(.poolFull))
        }
    }

    func run() {
        guard case .blocking(let body) = runtime.body, let context = begin() else { return leave() }
        let result: Result<Response, InvocationError>
        do {
            result = .success(try body(Event(request), context))
        } catch {
            result = .failure(.thrown(error))
        }
        end(result)
    }

    private func run(_ body: @Sendable (Event, Context) async throws -> Response) async {
        guard let context = begin() else { return leave() }
        let result: Result<Response, InvocationError>
        do {
            result = .success(try await body(Event(request), context))
        } catch {
            result = .failure(.thrown(error))
        }
        end(result)
    }

    /// The context to run with; `nil` where nobody wants the answer any more.
    private func begin() -> Context? {
        let now = MonotonicClock.now()
        startedAt.store(now.nanoseconds, ordering: .relaxed)
        let isMine = phase.compareExchange(
            expected: Phase.waiting,
            desired: Phase.started,
            ordering: .acquiringAndReleasing
        ).exchanged
        guard isMine else { return nil }
        return Context(
            settings: runtime.settings,
            lines: workers.lines,
            request: request,
            end: min(now + runtime.settings.timeout, deadline)
        )
    }

    private func end(_ result: Result<Response, InvocationError>) {
        let now = MonotonicClock.now()
        leave()
        workers.loop.submit { self.delivered(result, endedAt: now) }
    }

    private func leave() { runtime.leave()?.launchOrRefuse() }
}
