import Dispatch
public import PenstockSystem

/// The loops of one gateway, each with a serial queue, and so a thread, of its own.
public final class EventLoopGroup: Sendable {
    /// The loops, by ``EventLoop/index``.
    public let loops: [EventLoop]

    private let ended = DispatchGroup()

    /// Makes `count` loops that do not run yet.
    public init(count: Int, sending: SendMethod = .oneByOne) throws(SystemError) {
        precondition(count > 0)
        var loops: [EventLoop] = []
        for index in 0..<count { loops.append(try EventLoop(index: index, sending: sending)) }
        self.loops = loops
    }

    /// How many threads there are to be besides the loops': logs, workers, Dispatch's own.
    private static let others = 4

    /// Starts every loop, and waits until all run.
    ///
    /// - Throws: ``SystemError`` where there are no threads for them; then none runs.
    public func start() throws(SystemError) {
        let reserve = try ThreadReserve(count: loops.count + Self.others)
        for loop in loops {
            let isRunning = DispatchSemaphore(value: 0)
            loop.submit { isRunning.signal() }
            reserve.giveUpOne()
            DispatchQueue(label: "penstock.loop.\(loop.index)").async(group: ended) { loop.run() }
            isRunning.wait()
        }
    }

    /// Stops every loop after its round, and waits for them; not from one of them.
    ///
    /// - Parameter seconds: how long to wait; `nil`: as long as it takes.
    /// - Returns: whether all have ended, and hold nothing any more.
    @discardableResult
    public func stop(within seconds: Int? = nil) -> Bool {
        for loop in loops { loop.stop() }
        let limit = seconds.map { .now() + .seconds($0) } ?? DispatchTime.distantFuture
        guard ended.wait(timeout: limit) == .success else { return false }
        for loop in loops { loop.close() }
        return true
    }
}
