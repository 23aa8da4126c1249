import CLinux
import Glibc
import PenstockAdmin
public import PenstockConfiguration
import PenstockSystem

extension Gateway {
    /// Serves until SIGTERM or SIGINT, and drains; reads the file again at SIGHUP, or when the admin API is asked to.
    ///
    /// Blocks the thread that calls it.
    ///
    /// A second SIGTERM or SIGINT before it has ended ends it at once; a SIGHUP then, of a log rotation or a terminal that
    /// closes, changes nothing.
    ///
    /// - Parameters:
    ///   - reload: reads the configuration again; where it has errors, the old one serves on.
    ///   - started: called once it serves.
    /// - Returns: the exit code: 0 drained in time, or at the deadline; 1 ended by a second signal, or with a loop that
    ///   is blocked.
    /// - Throws: ``GatewayError`` where it could not start.
    public func run(
        reload: () -> Configuration.Loaded,
        started: (Gateway) -> Void
    ) throws(GatewayError) -> Int32 {
        let signals = try Signals()
        try start()
        reloadRequests.open { Signals.wake() }
        started(self)
        while true {
            let signal = signals.wait()
            guard signal == SIGHUP || signal == Signals.request else {
                reloadRequests.close()
                return finish(signals)
            }
            let waiting = reloadRequests.take()
            // Who has asked may have been answered together with others.
            if signal == Signals.request, waiting.isEmpty { continue }
            let outcome = readAgain(reload, unless: { signals.isEndPending })
            for reply in waiting { reply.send(outcome.answer) }
        }
    }

    private func finish(_ signals: Signals) -> Int32 {
        let shutdown = configuration.shutdown
        becomeUnready()
        let closing = MonotonicClock.now() + shutdown.delay.value.nanoseconds
        guard !isInterrupted(signals, before: closing, waitingFor: { false }) else {
            stop()
            return 1
        }
        let deadline = MonotonicClock.now() + shutdown.timeout.value.nanoseconds
        drain()
        var isCutShort = isInterrupted(signals, before: deadline, waitingFor: { isDrained })
        if !isCutShort {
            retireFunctions()
            isCutShort = isInterrupted(signals, before: deadline, waitingFor: { areFunctionsGone })
        }
        return stop() && !isCutShort ? 0 : 1
    }

    private func isInterrupted(_ signals: Signals, before deadline: Instant, waitingFor isOver: () -> Bool) -> Bool {
        while !isOver(), MonotonicClock.now() < deadline {
            let signal = signals.wait(milliseconds: 10)
            if signal == SIGTERM || signal == SIGINT { return true }
        }
        return false
    }
}
