import Logging
import PenstockBytes
import PenstockConfiguration
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport

/// What lives as long as the process, through every reload: counters, logs, and how many connections there are.
final class Shared {
    let metrics = MetricsRegistry()
    let connections = ConnectionLimits()
    let log: Logger
    let logWriter: LogWriter
    private var accessWriter: LogWriter?
    private var accessLogs: [Int: (format: Configuration.LogFormat, log: AccessLog)] = [:]

    /// The descriptor limits that the gateway was started with: its functions get them back.
    let fileLimit: (soft: UInt64, hard: UInt64)

    init(_ configuration: Configuration, fileLimit: (soft: UInt64, hard: UInt64)) throws(GatewayError) {
        self.fileLimit = fileLimit
        do throws(SystemError) {
            logWriter = try LogWriter(.standardError)
        } catch {
            throw GatewayError("cannot write to standard error: \(error.reason)")
        }
        let writer = logWriter
        let level = Logger.Level(configuration.log.level)
        log = Logger(label: "penstock") { _ in LineLogHandler(writer: writer, level: level) }
    }

    /// Opens the access log's destination, if it is another one now.
    func openAccessLog(_ configuration: Configuration) throws(GatewayError) {
        guard let wanted = configuration.accessLog else {
            accessWriter = nil
            return
        }
        let destination = LogDestination(wanted.to.value)
        guard accessWriter?.destination != destination else { return }
        do throws(SystemError) {
            accessWriter = try LogWriter(destination, dropped: metrics.counter(.droppedLogLines, ["access"]))
            accessLogs = [:]
        } catch {
            throw GatewayError("access_log: cannot write to \(wanted.to.value.name): \(error.reason)")
        }
    }

    /// The access log of one loop.
    func accessLog(_ configuration: Configuration, _ loop: EventLoop) -> AccessLog? {
        guard let wanted = configuration.accessLog, let accessWriter else { return nil }
        if let known = accessLogs[loop.index], known.format == wanted.format { return known.log }
        let log = AccessLog(format: wanted.format == .json ? .json : .text, writer: accessWriter)
        accessLogs[loop.index] = (wanted.format, log)
        return log
    }

    /// Opens log files again, under the names that they are configured with (rotation).
    func reopenLogs() {
        do throws(SystemError) {
            try accessWriter?.reopen()
        } catch {
            log.error("cannot open the access log again", metadata: ["error": "\(error)"])
        }
    }

    /// Writes what has been gathered.
    func flushLogs() {
        accessWriter?.flush(seconds: 1)
        logWriter.flush(seconds: 1)
    }
}

extension LogDestination {
    fileprivate init(_ destination: Configuration.LogDestination) {
        switch destination {
        case .standardOutput: self = .standardOutput
        case .standardError: self = .standardError
        case .file(let path): self = .file(path)
        }
    }
}

extension Configuration.LogDestination {
    /// Where lines go, for people.
    var name: String {
        switch self {
        case .standardOutput: "standard output"
        case .standardError: "standard error"
        case .file(let path): path
        }
    }
}

extension Logger.Level {
    fileprivate init(_ level: Configuration.LogLevel) { self = Logger.Level(rawValue: level.rawValue) ?? .info }
}
