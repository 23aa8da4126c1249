public import Logging
import PenstockBytes
import PenstockSystem

/// The gateway's own log: one line an event, as text or JSON, through a ``LogWriter``.
///
/// `2026-11-20T21:00:00.123Z info message key=value`
public struct LineLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    private let format: LogFormat
    private let writer: LogWriter

    /// A handler that writes to `writer`.
    ///
    /// - Parameters:
    ///   - writer: where lines go.
    ///   - level: the least level that is written.
    ///   - format: how lines are written.
    public init(writer: LogWriter, level: Logger.Level = .info, format: LogFormat = .text) {
        self.writer = writer
        self.logLevel = level
        self.format = format
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = ByteBuffer()
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        switch format {
        case .text: appendText(event, pairs, to: &line)
        case .json: appendJSON(event, pairs, to: &line)
        }
        line.append(ASCII.lineFeed)
        writer.submit(&line, count: 1)
    }

    private func appendText(
        _ event: LogEvent,
        _ pairs: [(key: String, value: Logger.MetadataValue)],
        to line: inout ByteBuffer
    ) {
        var timestamp = Timestamp()
        timestamp.append(MonotonicClock.wallNanoseconds(), to: &line)
        line.append(" \(event.level.rawValue) " as String)
        Self.append(event.message.description, to: &line)
        for (key, value) in pairs {
            line.append(ASCII.space)
            Self.append(key, to: &line)
            line.append(ASCII.equals)
            let text = value.description
            let isQuoted = text.isEmpty || text.utf8.contains { $0 <= ASCII.space || $0 == ASCII.quote }
            if isQuoted {
                line.append(ASCII.quote)
                Array(text.utf8).withUnsafeBytes { LogText.append($0, to: &line) }
                line.append(ASCII.quote)
            } else {
                Self.append(text, to: &line)
            }
        }
    }

    private func appendJSON(
        _ event: LogEvent,
        _ pairs: [(key: String, value: Logger.MetadataValue)],
        to line: inout ByteBuffer
    ) {
        var timestamp = Timestamp()
        var json = JSONWriter()
        json.beginObject(&line)
        json.key("time", &line)
        json.beginString(&line)
        timestamp.append(MonotonicClock.wallNanoseconds(), to: &line)
        json.endString(&line)
        json.key("level", &line)
        json.string(event.level.rawValue, &line)
        json.key("message", &line)
        json.string(event.message.description, &line)
        for (key, value) in pairs {
            json.key(key, &line)
            json.string(value.description, &line)
        }
        json.endObject(&line)
    }

    private static func append(_ text: String, to line: inout ByteBuffer) {
        Array(text.utf8).withUnsafeBytes { LogText.appendLine($0, to: &line) }
    }
}
