import PenstockBytes
public import PenstockNetworking
public import PenstockObservability
import PenstockSystem

/// One loop's way to the worker pool, and the lines that Swift functions log for it.
///
/// Jobs of one round go to the pool together, so that at most one thread is woken for all of them.
public final class SwiftWorkers: Flushable {
    let loop: EventLoop
    let lines: SwiftFunctionLines
    private let pool: WorkerPool
    private var jobs: [SwiftInvocation] = []

    /// The way from `loop` to `pool`.
    ///
    /// - Parameters:
    ///   - loop: whose requests they are.
    ///   - pool: shared by all loops.
    ///   - log: the loop's log of functions' lines; `nil` drops them.
    public init(loop: EventLoop, pool: WorkerPool, log: FunctionLog?) {
        self.loop = loop
        self.pool = pool
        lines = SwiftFunctionLines(loop: loop, log: log)
    }

    /// Hands a job to the pool when the round ends.
    func submit(_ job: SwiftInvocation) {
        if jobs.isEmpty { loop.flushAfterRound(self) }
        jobs.append(job)
    }

    /// Hands a job to the pool at once; answers whether that has room for it.
    ///
    /// From any thread.
    nonisolated func submitNow(_ job: SwiftInvocation) -> Bool { pool.submit(job) }

    public func flush() {
        let taken = pool.submit(jobs)
        for job in jobs[taken...] { job.refused() }
        jobs.removeAll(keepingCapacity: true)
    }
}

/// Writes the lines of Swift functions, from any thread, on a loop.
final class SwiftFunctionLines: Sendable {
    private let loop: EventLoop
    private let log: LoopLog?

    /// A loop's own log, which only that loop touches.
    private final class LoopLog: @unchecked Sendable {  // used on the loop alone
        let log: FunctionLog

        init(_ log: FunctionLog) { self.log = log }
    }

    init(loop: EventLoop, log: FunctionLog?) {
        self.loop = loop
        self.log = log.map { LoopLog($0) }
    }

    /// Writes `text`, line by line, before anything that is posted to the loop after it.
    func append(_ text: String, function: String, requestID: [UInt8]) {
        guard let log else { return }
        let time = MonotonicClock.wallNanoseconds()
        loop.submit { requestID.withUnsafeBytes { Self.write(text, function, $0, time, to: log.log) } }
    }

    private static func write(
        _ text: String,
        _ function: String,
        _ requestID: UnsafeRawBufferPointer,
        _ wallNanoseconds: Int64,
        to log: FunctionLog
    ) {
        var function = function
        function.withUTF8 { name in
            let source = FunctionLog.Source(
                function: UnsafeRawBufferPointer(name),
                instance: 0,
                requestID: requestID
            )
            for var line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                line.withUTF8 { log.append(UnsafeRawBufferPointer($0), from: source, wallNanoseconds: wallNanoseconds) }
            }
        }
        log.flush()
    }
}
