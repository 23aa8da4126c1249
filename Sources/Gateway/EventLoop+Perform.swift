import Dispatch
import PenstockNetworking

extension EventLoop {
    /// Runs `work` on the loop, and waits until it is done.
    ///
    /// Not from a loop.
    func perform(_ work: @escaping @Sendable () -> Void) {
        let done = DispatchSemaphore(value: 0)
        submit {
            work()
            done.signal()
        }
        done.wait()
    }

    /// Runs `work` on the loop, soon, as part of `group`.
    func submit(in group: DispatchGroup, _ work: @escaping @Sendable () -> Void) {
        group.enter()
        submit {
            work()
            group.leave()
        }
    }
}

extension DispatchGroup {
    /// Waits until every loop has done its part: not for ever, because a closure or a dead disk may block a loop, and
    /// must not block the thread that ends the gateway.
    ///
    /// - Returns: whether all have; what is missing is done when its loop goes on.
    func waitForLoops() -> Bool { wait(timeout: .now() + .seconds(2)) == .success }
}
