import Glibc
import PenstockBytes
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import Synchronization
import TestSupport
import Testing

@testable import PenstockFunctions

/// What became of an event, as a test wants to compare it.
enum Outcome: Equatable, Sendable {
    case reply(Int, fields: String, body: [UInt8])
    case result(String)
    case failure(InvocationError)

    var body: String? { if case .reply(_, _, let body) = self { String(decoding: body, as: UTF8.self) } else { nil } }
    var error: InvocationError? { if case .failure(let error) = self { error } else { nil } }
    var status: Int? { if case .reply(let status, _, _) = self { status } else { nil } }
}

/// Two loops, a supervisor, a spawner and a folder for functions.
final class FunctionBench: Sendable {
    let group: EventLoopGroup
    let shares: [InstanceLoop]
    let spawner: Spawner
    let lines: PrintedLines
    var folder: String { temporary.path }
    private let temporary: TemporaryFolder
    private let pools = Mutex<[InstancePool]>([])

    init(fileLimit: (soft: UInt64, hard: UInt64)? = nil) throws {
        group = try EventLoopGroup(count: 3)
        let lines = PrintedLines()
        self.lines = lines
        shares = group.loops[..<2].map { InstanceLoop(loop: $0, output: lines) }
        spawner = try Spawner(supervisor: group.loops[2], fileLimit: fileLimit)
        temporary = try TemporaryFolder()
        try group.start()
    }

    func end() {
        let pools = pools.withLock { $0 }
        for pool in pools { pool.retire() }
        spawner.close()
        let deadline = Deadline()
        while pools.contains(where: { $0.statistics.alive > 0 }), !deadline.hasPassed { usleep(1000) }
        group.stop()
    }

    /// Writes a file into the folder, and answers its path.
    func write(_ name: String, _ text: String) -> String {
        #expect(throws: Never.self) { try temporary.write(name, text, mode: 0o755) }
        return "\(folder)/\(name)"
    }

    /// The names of the files in the folder.
    func files() -> [String] { temporary.names }

    /// A file's text; empty where there is none.
    func read(_ path: String) -> String { TemporaryFolder.contents(path) }

    func python(_ text: String, function: String = "handler", name: String = "handler.py") -> FunctionSettings {
        let program = FunctionSettings.Program.python(
            interpreter: "/usr/bin/python3",
            file: write(name, text),
            function: function
        )
        return complete(FunctionSettings(name: "tested", program: program, directory: folder))
    }

    func node(_ text: String, function: String = "handler", name: String = "handler.js") -> FunctionSettings {
        let program = FunctionSettings.Program.node(
            interpreter: "/usr/bin/node",
            file: write(name, text),
            function: function
        )
        return complete(FunctionSettings(name: "tested", program: program, directory: folder))
    }

    func command(_ program: FunctionSettings.Program) -> FunctionSettings {
        complete(FunctionSettings(name: "tested", program: program, directory: folder))
    }

    private func complete(_ settings: FunctionSettings) -> FunctionSettings {
        var settings = settings
        settings.initTimeout = 30_000_000_000
        settings.timeout = 30_000_000_000
        settings.queueWait = 30_000_000_000
        settings.environment = FunctionEnvironment.build(for: settings, own: [], gateway: ["PATH": "/usr/bin:/bin"])
        return settings
    }

    func pool(_ settings: FunctionSettings) -> InstancePool {
        let pool = InstancePool(settings, on: shares, spawner: spawner, supervisor: group.loops[2])
        pools.withLock { $0.append(pool) }
        return pool
    }

    /// Sends one event through a pool from one of the loops.
    func call(
        _ pool: InstancePool,
        _ event: String = "{}",
        on loop: Int = 0,
        raw: Bool = false,
        requestID: String = "r-1",
        traceID: String = "",
        within nanoseconds: Int64? = nil,
        cancelled: Bool = false
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            shares[loop].loop.submit {
                let invocation = Invocation()
                invocation.isRaw = raw
                Array(requestID.utf8).withUnsafeBytes { id in
                    Array(traceID.utf8).withUnsafeBytes { invocation.name(requestID: id, traceID: $0) }
                }
                if let nanoseconds { invocation.deadline = MonotonicClock.now() + nanoseconds }
                invocation.beginFrame()
                invocation.frame.append(event)
                invocation.begin(observer: Caller(continuation))
                let invoker = pool.invoker(on: loop)
                invoker.invoke(invocation)
                guard cancelled else { return }
                invocation.abandon()
                invoker.cancel(invocation)
            }
        }
    }
}

/// Waits for one outcome; its invocation keeps it.
private final class Caller: InvocationObserver {
    private var continuation: CheckedContinuation<Outcome, Never>?

    init(_ continuation: CheckedContinuation<Outcome, Never>) { self.continuation = continuation }

    private func end(_ outcome: Outcome) {
        continuation?.resume(returning: outcome)
        continuation = nil
    }

    func replied(
        _ invocation: Invocation,
        status: Int,
        fields: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        end(.reply(status, fields: String(decoding: fields, as: UTF8.self), body: Array(body)))
    }

    func returned(_ invocation: Invocation, json: UnsafeRawBufferPointer) {
        end(.result(String(decoding: json, as: UTF8.self)))
    }

    func failed(_ invocation: Invocation, _ error: InvocationError) { end(.failure(error)) }
}

/// Everything that functions printed: `requestID|line`.
final class PrintedLines: InstanceOutput, Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func printed(_ line: UnsafeRawBufferPointer, from source: FunctionLog.Source) {
        let id = String(decoding: source.requestID, as: UTF8.self)
        let text = String(decoding: line, as: UTF8.self)
        lines.withLock { $0.append("\(id)|\(text)") }
    }
}

/// Waits until `condition` holds; a test that never sees it fails after a minute.
func eventually(_ what: Comment, _ condition: () async -> Bool) async {
    for _ in 0..<6000 {
        if await condition() { return }
        try? await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("never came true: \(what)")
}

extension FunctionBench {
    /// Waits until a loop has done all that it was asked before.
    func settle(_ loop: Int = 0) async {
        await withCheckedContinuation { continuation in shares[loop].loop.submit { continuation.resume() } }
    }

    /// Sends `count` events at once, from both loops.
    func callAll(_ pool: InstancePool, count: Int, _ event: String) async -> [Outcome] {
        await withTaskGroup(of: Outcome.self) { tasks in
            for number in 0..<count {
                tasks.addTask { await self.call(pool, event, on: number % 2, requestID: "r-\(number)") }
            }
            var outcomes: [Outcome] = []
            for await outcome in tasks { outcomes.append(outcome) }
            return outcomes
        }
    }

    /// Sends events from one loop and cancels each, then lets those go on that wait for the file `go`.
    ///
    /// What became of each, in order.
    func callThenCancel(_ pool: InstancePool, _ events: [String]) async -> [Outcome] {
        await withTaskGroup(of: (Int, Outcome).self) { tasks in
            for (number, event) in events.enumerated() {
                tasks.addTask { (number, await self.call(pool, event, requestID: "r-\(number)", cancelled: true)) }
                await eventually("it is there") { pool.statistics.idle == 0 }
            }
            var outcomes: [Int: Outcome] = [:]
            for await (number, outcome) in tasks {
                outcomes[number] = outcome
                if outcomes.count == events.count - 1 { _ = write("go", "") }
            }
            return events.indices.compactMap { outcomes[$0] }
        }
    }
}
