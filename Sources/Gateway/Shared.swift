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
    let clock = ClockWatch()
    let log: Logger
    let logWriter: LogWriter

    /// That of the configuration which runs; `nil`: it has none.
    var accessLogs: AccessLogs?

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

    /// The access log that a configuration asks for: the one in use, where that is the same.
    func accessLogs(for configuration: Configuration) throws(GatewayError) -> AccessLogs? {
        guard let wanted = configuration.accessLog else { return nil }
        if let accessLogs, accessLogs.isSame(as: wanted) { return accessLogs }
        let destination = LogDestination(wanted.to.value)
        if let writer = accessLogs?.writer, writer.destination == destination {
            return AccessLogs(writer: writer, format: wanted.format)
        }
        do throws(SystemError) {
            let name = wanted.to.value.name
            let writer = try LogWriter(
                destination,
                dropped: metrics.counter(.droppedLogLines, ["access"]),
                changed: { [log] error in
                    guard let error else {
                        return log.info("the access log is written again", metadata: ["to": "\(name)"])
                    }
                    log.error(
                        "cannot write the access log; its lines are dropped",
                        metadata: ["to": "\(name)", "error": "\(error.reason)"]
                    )
                }
            )
            return AccessLogs(writer: writer, format: wanted.format)
        } catch {
            throw GatewayError("access_log: cannot write to \(wanted.to.value.name): \(error.reason)")
        }
    }

    /// Opens log files again, under the names that they are configured with (rotation).
    func reopenLogs() {
        do throws(SystemError) {
            try accessLogs?.writer.reopen()
        } catch {
            log.error("cannot open the access log again", metadata: ["error": "\(error)"])
        }
    }

    /// Writes what has been gathered.
    func flushLogs() {
        accessLogs?.writer.flush(seconds: 1)
        logWriter.flush(seconds: 1)
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
