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
}
