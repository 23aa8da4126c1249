import PenstockBytes

/// How lines are written.
public enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}

/// The access log of one loop: formats lines into the loop's own buffer, and hands them over once a round.
public final class AccessLog {
    /// Lines are handed over early when this many bytes have come together.
    private static let handover = 32 << 10

    private let format: LogFormat
    private let writer: LogWriter
    private var lines = ByteBuffer()
    private var count = 0
    private var timestamp = Timestamp()

    /// A log that writes to `writer`, which loops share.
    public init(format: LogFormat, writer: LogWriter) {
        self.format = format
        self.writer = writer
    }

    /// Writes the line of one request.
    public func append(_ entry: borrowing AccessLogEntry) {
        AccessLogLine.append(entry, format, &timestamp, to: &lines)
        count &+= 1
        if lines.count >= Self.handover { flush() }
    }

    /// Hands the lines of this round over; nothing happens when there are none.
    public func flush() {
        guard count > 0 else { return }
        writer.submit(&lines, count: count)
        count = 0
    }
}

/// The two shapes of an access log's line.
enum AccessLogLine {
    static func append(
        _ entry: borrowing AccessLogEntry,
        _ format: LogFormat,
        _ timestamp: inout Timestamp,
        to buffer: inout ByteBuffer
    ) {
        switch format {
        case .text: appendText(entry, &timestamp, to: &buffer)
        case .json: appendJSON(entry, &timestamp, to: &buffer)
        }
        buffer.append(ASCII.lineFeed)
    }

    /// A line of text.
    ///
    /// `2026-11-20T21:00:00.123Z 127.0.0.1 "GET /hello?name=Ada HTTP/1.1" 200 17B 1.234ms function=hello ...`
    private static func appendText(
        _ entry: borrowing AccessLogEntry,
        _ timestamp: inout Timestamp,
        to buffer: inout ByteBuffer
    ) {
        timestamp.append(entry.wallNanoseconds, to: &buffer)
        buffer.append(ASCII.space)
        LogText.appendWord(entry.client, to: &buffer)
        appendRequest(entry, to: &buffer)
        buffer.append(decimal: entry.status)
        buffer.append(ASCII.space)
        buffer.append(decimal: entry.sentBytes)
        buffer.append("B ")
        appendMilliseconds(entry.totalNanoseconds, to: &buffer)
        buffer.append(" ")
        buffer.append(entry.target.word)
        if !entry.targetName.isEmpty {
            buffer.append(ASCII.equals)
            LogText.appendWord(entry.targetName, to: &buffer)
        }
        if entry.queueNanoseconds >= 0 {
            buffer.append(" queue=")
            appendMilliseconds(entry.queueNanoseconds, to: &buffer)
        }
        if entry.runNanoseconds >= 0 {
            buffer.append(" run=")
            appendMilliseconds(entry.runNanoseconds, to: &buffer)
        }
        appendPlace(entry, to: &buffer)
    }

    private static func appendRequest(_ entry: borrowing AccessLogEntry, to buffer: inout ByteBuffer) {
        buffer.append(" \"")
        LogText.appendWord(entry.method, to: &buffer)
        buffer.append(ASCII.space)
        LogText.appendWord(entry.path, to: &buffer)
        if !entry.query.isEmpty {
            buffer.append(ASCII.question)
            LogText.append(entry.query, to: &buffer)
        }
        buffer.append(ASCII.space)
        buffer.append(entry.version)
        buffer.append("\" ")
    }

    private static func appendPlace(_ entry: borrowing AccessLogEntry, to buffer: inout ByteBuffer) {
        if entry.receivedBytes > 0 {
            buffer.append(" received=")
            buffer.append(decimal: entry.receivedBytes)
            buffer.append(UInt8(0x42))
        }
        appendQuoted(" route=\"", entry.route, to: &buffer)
        buffer.append(" listener=")
        LogText.appendWord(entry.listener, to: &buffer)
        buffer.append(" id=")
        LogText.appendWord(entry.requestID, to: &buffer)
        appendQuoted(" error=\"", entry.error, to: &buffer)
    }

    private static func appendQuoted(_ key: StaticString, _ value: UnsafeRawBufferPointer, to buffer: inout ByteBuffer)
    {
        guard !value.isEmpty else { return }
        buffer.append(key)
        LogText.append(value, to: &buffer)
        buffer.append(ASCII.quote)
    }

    /// A duration as `1.234ms`.
    private static func appendMilliseconds(_ nanoseconds: Int, to buffer: inout ByteBuffer) {
        let microseconds = max(0, nanoseconds) / 1_000
        buffer.append(decimal: microseconds / 1_000)
        buffer.append(ASCII.dot)
        Timestamp.append(microseconds % 1_000, digits: 3, to: &buffer)
        buffer.append("ms")
    }

    private static func appendJSON(
        _ entry: borrowing AccessLogEntry,
        _ timestamp: inout Timestamp,
        to buffer: inout ByteBuffer
    ) {
        var json = JSONWriter()
        json.beginObject(&buffer)
        json.key("time", &buffer)
        json.beginString(&buffer)
        timestamp.append(entry.wallNanoseconds, to: &buffer)
        json.endString(&buffer)
        json.member("client", entry.client, &buffer)
        json.member("method", entry.method, &buffer)
        json.member("path", entry.path, &buffer)
        json.member("query", entry.query, &buffer)
        json.key("protocol", &buffer)
        json.string(entry.version, &buffer)
        json.member("status", entry.status, &buffer)
        json.member("received_bytes", entry.receivedBytes, &buffer)
        json.member("sent_bytes", entry.sentBytes, &buffer)
        appendSeconds("duration_seconds", entry.totalNanoseconds, &json, to: &buffer)
        appendSeconds("queue_seconds", entry.queueNanoseconds, &json, to: &buffer)
        appendSeconds("run_seconds", entry.runNanoseconds, &json, to: &buffer)
        json.member("listener", entry.listener, &buffer)
        json.member("route", entry.route, &buffer)
        json.key("target", &buffer)
        json.string(entry.target.word, &buffer)
        if !entry.targetName.isEmpty { json.member("target_name", entry.targetName, &buffer) }
        json.member("request_id", entry.requestID, &buffer)
        if !entry.error.isEmpty { json.member("error", entry.error, &buffer) }
        json.endObject(&buffer)
    }

    /// Seconds with six decimals; no member when negative.
    private static func appendSeconds(
        _ name: StaticString,
        _ nanoseconds: Int,
        _ json: inout JSONWriter,
        to buffer: inout ByteBuffer
    ) {
        guard nanoseconds >= 0 else { return }
        json.key(name, &buffer)
        json.separate(&buffer)
        buffer.append(decimal: nanoseconds / 1_000_000_000)
        buffer.append(ASCII.dot)
        Timestamp.append(nanoseconds / 1_000 % 1_000_000, digits: 6, to: &buffer)
    }
}
