import Synchronization
import TestSupport
import Testing

/// Runs the tests of a suite on threads of their own, a few at a time: they block, and the pool of Swift's tasks has no
/// more threads than the machine has cores.
struct WholeProcess: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await withTaskExecutorPreference(BlockingExecutor.shared) { try await function() }
    }
}

extension Trait where Self == WholeProcess {
    /// The suite's tests start programs and wait for them.
    static var wholeProcess: WholeProcess { WholeProcess() }
}

/// Threads that run one job after the other.
private final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()

    /// More than there are cores, because most of a test's time is waiting.
    private static let threads = 6

    private struct State {
        var jobs: [UnownedJob] = []
        var running = 0
    }

    private let state = Mutex(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let starts = state.withLock { state in
            state.jobs.append(job)
            guard state.running < Self.threads else { return false }
            state.running += 1
            return true
        }
        if starts { TestThread.start { self.work() } }
    }

    private func work() {
        while let job = next() { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.jobs.removeFirst()
        }
    }
}
