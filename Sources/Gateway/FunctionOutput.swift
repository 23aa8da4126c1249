import PenstockFunctions
import PenstockNetworking
import PenstockObservability
import PenstockSystem

/// Writes what the instances of one loop print to the gateway's log.
final class FunctionOutput: InstanceOutput, Flushable {
    private let loop: EventLoop
    private let log: FunctionLog
    private var isFlushPlanned = false

    init(loop: EventLoop, writer: LogWriter) {
        self.loop = loop
        log = FunctionLog(format: .text, writer: writer)
    }

    func printed(_ line: UnsafeRawBufferPointer, from source: FunctionLog.Source) {
        log.append(line, from: source, wallNanoseconds: MonotonicClock.wallNanoseconds())
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.flushAfterRound(self)
    }

    func flush() {
        isFlushPlanned = false
        log.flush()
    }
}
