internal import Dispatch
internal import Synchronization

/// Work that blocks as long as others like, for a caller who may have to give it up.
public enum BlockingCall {
    /// Runs `work` on a thread of its own, and waits for its result.
    ///
    /// - Parameters:
    ///   - isInterrupted: whether to wait no longer; asked every 10 ms.
    ///   - work: goes on alone when nobody waits any more.
    /// - Returns: the result; `nil` when it was interrupted.
    public static func run<Result: Sendable>(
        unless isInterrupted: () -> Bool,
        _ work: @escaping @Sendable () -> Result
    ) -> Result? {
        let done = DispatchSemaphore(value: 0)
        let outcome = Outcome<Result>()
        DispatchQueue.global().async {
            let result = work()
            outcome.value.withLock { $0 = result }
            done.signal()
        }
        while done.wait(timeout: .now() + .milliseconds(10)) == .timedOut {
            if isInterrupted() { return nil }
        }
        return outcome.value.withLock { $0 }
    }

    private final class Outcome<Result: Sendable>: Sendable {
        let value = Mutex<Result?>(nil)
    }
}
