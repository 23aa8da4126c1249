import CLinux
import Glibc
public import PenstockConfiguration
import PenstockSystem

extension Gateway {
    /// Serves until SIGTERM or SIGINT, and drains; reads the file again at SIGHUP.
    ///
    /// Blocks the thread that calls it.
    ///
    /// A second SIGTERM or SIGINT before it has ended ends it at once; a SIGHUP then, of a log rotation or a terminal that
    /// closes, changes nothing.
    ///
    /// - Parameters:
    ///   - reload: reads the configuration again; `nil` leaves the old one serving.
    ///   - started: called once it serves.
    /// - Returns: the exit code: 0 drained in time, or at the deadline; 1 ended by a second signal, or with a loop that
    ///   is blocked.
    /// - Throws: ``GatewayError`` where it could not start.
    public func run(
        reload: () -> Configuration?,
        started: (Gateway) -> Void
    ) throws(GatewayError) -> Int32 {
        let signals = try Signals()
        try start()
        started(self)
        while true {
            switch signals.wait() {
            case SIGHUP: readAgain(reload, signals)
            default: return finish(signals)
            }
        }
    }

    private func readAgain(_ read: () -> Configuration?, _ signals: Signals) {
        // Whatever the file says: the signal is also that of a log rotation.
        defer { reopenLogs() }
        guard let configuration = read() else { return noteReload(nil) }
        do throws(GatewayError) {
            try reload(configuration, unless: { signals.isPending })
            noteReload(configuration)
        } catch {
            noteReload(nil, error)
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
            if signal != 0, signal != SIGHUP { return true }
        }
        return false
    }
}
