import Dispatch
import Glibc
import PenstockFunctions
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport
import Synchronization
import TestSupport
import Testing

/// The ways in which a closure runs.
enum Kind: CaseIterable, Sendable {
    case inline, blocking, async

    func function(_ body: @escaping @Sendable (Event, Context) throws -> Response) -> SwiftFunction {
        switch self {
        case .inline: SwiftFunction(blocking: false, body)
        case .blocking: SwiftFunction(body)
        case .async:
            SwiftFunction { event, context in
                await Task.yield()
                return try body(event, context)
            }
        }
    }

    /// A function that goes on when the gate opens.
    func waiting(on gate: Gate, concurrency: Int, _ body: @escaping @Sendable () -> Response) -> SwiftFunction {
        switch self {
        case .inline, .blocking:
            SwiftFunction(concurrency: concurrency) { _ in
                gate.pass()
                return body()
            }
        case .async:
            SwiftFunction(concurrency: concurrency) { _ in
                while !gate.isOpen { try await Task.sleep(for: .milliseconds(1)) }
                return body()
            }
        }
    }
}

/// How many were in at a time.
final class Peak: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var value: Int { state.withLock { $0.most } }

    func enter() {
        state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }
}

/// One function behind a scripted client.
final class Front {
    let metrics = MetricsRegistry()
    let budget: BufferBudget
    let runtime: SwiftFunctionRuntime
    private let scripted: ScriptedFront
    private var scripts: [ScriptedFront.Script] = []

    init(
        _ function: SwiftFunction,
        budget: Int = 1 << 30,
        window: Int = 7,
        log: FunctionLog? = nil,
        settings: (String) -> SwiftFunctionSettings = { .patient($0) }
    ) throws {
        runtime = SwiftFunctionRuntime(function, settings: settings("greet"))
        self.budget = BufferBudget(limit: budget)
        scripted = try ScriptedFront(lateHandler(runtime, budget: self.budget, metrics: metrics, log: log))
        scripted.window = window
    }

    /// Why the last exchange failed, for the log.
    var failure: String? { scripted.lastFailure }

    /// Sends a request and waits for the whole answer.
    func ask(_ head: String, body: [UInt8] = []) async -> ScriptedAnswer {
        let script = begin(head, body: body)
        await run { script.isOver }
        return script.answer
    }

    /// Sends a head, and leaves it to the test when the rest happens.
    func begin(_ head: String, body: [UInt8] = []) -> ScriptedFront.Script {
        let script = scripted.begin(head, body: body)
        scripts.append(script)
        return script
    }

    /// Runs the loop until `condition` holds.
    ///
    /// It sleeps between rounds as a task does: async functions need the thread that a test runs on.
    func run(until condition: () -> Bool) async {
        let deadline = MonotonicClock.now() + 120_000_000_000
        while !condition(), MonotonicClock.now() < deadline {
            for script in scripts { script.advance() }
            scripts.removeAll(where: \.isOver)
            scripted.runLoop()
            if !condition() { try? await Task.sleep(for: .microseconds(200)) }
        }
        #expect(condition())
    }
}

extension SwiftFunctionSettings {
    /// No deadline that a busy machine might miss.
    static func patient(
        _ name: String,
        timeout: Int64 = 60_000_000_000,
        queueLength: Int = 32,
        queueWait: Int64 = 60_000_000_000,
        requestLimit: Int = FunctionHandler.bodyLimit
    ) -> SwiftFunctionSettings {
        SwiftFunctionSettings(
            name: name,
            timeout: timeout,
            queueLength: queueLength,
            queueWait: queueWait,
            requestLimit: requestLimit
        )
    }
}

/// A Swift function's handler, made when its loop is there.
func lateHandler(
    _ runtime: SwiftFunctionRuntime,
    budget: BufferBudget = BufferBudget(limit: 1 << 30),
    metrics: MetricsRegistry = MetricsRegistry(),
    log: FunctionLog? = nil
) -> PassingHandler {
    var made: SwiftFunctionHandler?
    return PassingHandler { exchange in
        let handler =
            made
            ?? SwiftFunctionHandler(
                runtime,
                workers: SwiftWorkers(loop: exchange.loop, pool: WorkerPool(), log: log),
                budget: budget,
                path: "/{rest*}",
                metrics: metrics
            )
        made = handler
        return handler
    }
}
