import Synchronization

/// A Swift function as it runs: one for all loops, with those of its invocations that wait.
///
/// Admission is by count: so many run, so many wait, more are refused. An invocation whose caller was given up counts
/// until it returns, because its thread is taken until then.
public final class SwiftFunctionRuntime: Sendable {
    /// What routes.yaml says of it.
    public let settings: SwiftFunctionSettings

    let body: SwiftFunction.Body
    private let concurrency: Int
    private let state = Mutex(State())

    private struct State {
        var running = 0
        var waiting: [SwiftInvocation] = []
    }

    /// What became of an invocation that wants to run.
    enum Admission: Equatable { case runs, waits, refused }

    /// Makes `function` ready to be called.
    public init(_ function: SwiftFunction, settings: SwiftFunctionSettings) {
        self.settings = settings
        body = function.body
        concurrency = function.concurrency
    }

    /// How many run, and how many wait.
    ///
    /// From any thread.
    public var usage: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    func enter(_ invocation: SwiftInvocation) -> Admission {
        state.withLock { state in
            if state.running < concurrency {
                state.running += 1
                return .runs
            }
            guard state.waiting.count < settings.queueLength else { return .refused }
            state.waiting.append(invocation)
            return .waits
        }
    }

    /// One has ended; answers the one that takes its place, which the caller launches.
    func leave() -> SwiftInvocation? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    /// Takes one that has been given up out of those that wait, if it is among them.
    func remove(_ invocation: SwiftInvocation) {
        state.withLock { state in state.waiting.removeAll { $0 === invocation } }
    }
}
