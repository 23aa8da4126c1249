import PenstockConfiguration
import PenstockNetworking
import PenstockObservability

/// The access log of a configuration: one writer, and a log for each loop.
///
/// Used by the control thread, which hands each loop its own.
final class AccessLogs {
    let writer: LogWriter
    private let format: Configuration.LogFormat
    private var logs: [Int: AccessLog] = [:]

    init(writer: LogWriter, format: Configuration.LogFormat) {
        self.writer = writer
        self.format = format
    }

    /// Whether it writes what `wanted` asks for.
    func isSame(as wanted: Configuration.AccessLog) -> Bool {
        format == wanted.format && writer.destination == LogDestination(wanted.to.value)
    }

    /// The access log of one loop.
    func log(of loop: EventLoop) -> AccessLog {
        if let known = logs[loop.index] { return known }
        let log = AccessLog(format: format == .json ? .json : .text, writer: writer)
        logs[loop.index] = log
        return log
    }
}

extension LogDestination {
    init(_ destination: Configuration.LogDestination) {
        switch destination {
        case .standardOutput: self = .standardOutput
        case .standardError: self = .standardError
        case .file(let path): self = .file(path)
        }
    }
}
