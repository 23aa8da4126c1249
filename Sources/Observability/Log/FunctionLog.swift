import PenstockBytes

/// Writes what functions print, line by line, with the function, the instance and the request that it belongs to.
///
/// One for each loop, as ``AccessLog`` is.
public final class FunctionLog {
    /// Which of its two streams a function wrote to.
    ///
    /// Where both are one pipe, nobody knows.
    public enum Stream: String, Sendable {
        case output = "stdout"
        case error = "stderr"
        case either = ""
    }

    /// Where a line comes from.
    public struct Source {
        public var function: UnsafeRawBufferPointer

        /// The instance's number or process.
        public var instance: Int

        /// The request that ran while the line was printed; empty when none did.
        public var requestID: UnsafeRawBufferPointer
        public var stream: Stream

        /// Names a source.
        public init(
            function: UnsafeRawBufferPointer,
            instance: Int,
            requestID: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
            stream: Stream = .either
        ) {
            self.function = function
            self.instance = instance
            self.requestID = requestID
            self.stream = stream
        }
    }

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

    /// Writes one line, given without its line feed.
    ///
    /// A carriage return at its end is left out; others are escaped.
    public func append(_ line: UnsafeRawBufferPointer, from source: Source, wallNanoseconds: Int64) {
        let isReturned = line.last == ASCII.carriageReturn
        let shown = isReturned ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
        switch format {
        case .text: appendText(shown, source, wallNanoseconds)
        case .json: appendJSON(shown, source, wallNanoseconds)
        }
        lines.append(ASCII.lineFeed)
        count &+= 1
        if lines.count >= Self.handover { flush() }
    }

    /// Hands the lines over; nothing happens when there are none.
    public func flush() {
        guard count > 0 else { return }
        writer.submit(&lines, count: count)
        count = 0
    }

    /// A line as `2026-11-20T21:00:00.123Z hello[3] 0190...: text`.
    private func appendText(_ line: UnsafeRawBufferPointer, _ source: Source, _ wallNanoseconds: Int64) {
        timestamp.append(wallNanoseconds, to: &lines)
        lines.append(ASCII.space)
        LogText.appendWord(source.function, to: &lines)
        lines.append(UInt8(0x5B))
        lines.append(decimal: source.instance)
        lines.append("] ")
        LogText.appendWord(source.requestID, to: &lines)
        lines.append(": ")
        LogText.appendLine(line, to: &lines)
    }

    private func appendJSON(_ line: UnsafeRawBufferPointer, _ source: Source, _ wallNanoseconds: Int64) {
        var json = JSONWriter()
        json.beginObject(&lines)
        json.key("time", &lines)
        json.beginString(&lines)
        timestamp.append(wallNanoseconds, to: &lines)
        json.endString(&lines)
        json.member("function", source.function, &lines)
        json.member("instance", source.instance, &lines)
        if !source.requestID.isEmpty { json.member("request_id", source.requestID, &lines) }
        switch source.stream {
        case .output:
            json.key("stream", &lines)
            json.string("stdout", &lines)
        case .error:
            json.key("stream", &lines)
            json.string("stderr", &lines)
        case .either: break
        }
        json.member("message", line, &lines)
        json.endObject(&lines)
    }
}
