internal import PenstockBytes

/// Parses the heads of responses (RFC 9112 §4-§6), as strictly as ``RequestParser`` does those of requests.
///
/// One for an upstream connection. Heads of interim responses (1xx) are returned like others, with framing `none`; the
/// caller parses on behind them for the final one.
public struct ResponseParser: Sendable {
    let limits: HeadLimits
    private var progress = Progress()

    /// How far the head is parsed, and what was found on the way.
    private struct Progress {
        var hasStatusLine = false

        /// Where the first line begins that is not complete.
        var position = 0

        var status = 0
        var minorVersion = 1
        var framing = FramingRules()
    }

    /// A parser with limits.
    public init(limits: HeadLimits) { self.limits = limits }

    /// Makes the parser ready for the next head.
    public mutating func reset() { progress = Progress() }

    /// Parses a head, or as much of it as there is.
    ///
    /// - Parameters:
    ///   - bytes: everything that is unread, from the first byte of the head: at each call for one head the same, and more.
    ///   - requestMethod: the method of the request that is answered, because the answer to HEAD has no body.
    ///   - head: empty at the first call for a head; complete, with a copy of its bytes, when a length is returned.
    /// - Returns: how many bytes the head takes, and the parser is ready for the next; `nil` when more are needed.
    /// - Throws: ``ResponseError``.
    public mutating func parse(
        _ bytes: RawSpan,
        requestMethod: Method,
        into head: ResponseHead
    ) throws(ResponseError) -> Int? {
        try bytes.withUnsafeBytes { (bytes) throws(ResponseError) -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            guard try parse(base, bytes.count, into: head.fields) else {
                guard bytes.count <= limits.head else { throw .headTooLarge }
                return nil
            }
            let length = progress.position
            guard length <= limits.head else { throw .headTooLarge }
            head.fields.adopt(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            try finish(head, requestMethod)
            progress = Progress()
            return length
        }
    }

    private mutating func parse(
        _ base: UnsafeRawPointer,
        _ count: Int,
        into fields: FieldBlock
    ) throws(ResponseError) -> Bool {
        if !progress.hasStatusLine {
            guard try parseStatusLine(base, count) else {
                guard count <= limits.requestLine else { throw .headTooLarge }
                return false
            }
            guard progress.position <= limits.requestLine else { throw .headTooLarge }
        }
        return try parseFields(base, count, fields)
    }

    /// Takes `HTTP/1.x SP 3DIGIT [SP reason-phrase] CRLF`.
    ///
    /// The space before an empty reason phrase is left out by so many servers that it is not asked for.
    private mutating func parseStatusLine(_ base: UnsafeRawPointer, _ count: Int) throws(ResponseError) -> Bool {
        try checkStart(base, count)
        guard count > 12 else { return false }
        guard base.load(fromByteOffset: 5, as: UInt8.self) == 0x31 else { throw .unsupportedVersion }
        progress.minorVersion = base.load(fromByteOffset: 7, as: UInt8.self) == ASCII.zero ? 0 : 1
        progress.status = (9..<12).reduce(0) { value, offset in
            value &* 10 &+ Int(base.load(fromByteOffset: offset, as: UInt8.self) &- ASCII.zero)
        }
        guard (100...599).contains(progress.status) else { throw .malformedStatus }
        var end = 12
        if base.load(fromByteOffset: 12, as: UInt8.self) == ASCII.space {
            end = TokenBytes.skipText(base, 13, count)
            while end < count, base.load(fromByteOffset: end, as: UInt8.self) == ASCII.tab {
                end = TokenBytes.skipText(base, end &+ 1, count)
            }
            guard end < count else { return false }
        }
        guard base.load(fromByteOffset: end, as: UInt8.self) == ASCII.carriageReturn else { throw .malformedStatusLine }
        guard end &+ 1 < count else { return false }
        guard base.load(fromByteOffset: end &+ 1, as: UInt8.self) == ASCII.lineFeed else { throw .malformedStatusLine }
        progress.position = end &+ 2
        progress.hasStatusLine = true
        return true
    }

    /// Compares the start of a status line, or as much of it as there is, with `HTTP/d.d ddd`.
    private func checkStart(_ base: UnsafeRawPointer, _ count: Int) throws(ResponseError) {
        let pattern: StaticString = "HTTP/0.0 000"
        for index in 0..<min(count, 12) {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            let expected = pattern.utf8Start[index]
            guard expected == ASCII.zero ? ASCII.isDigit(byte) : byte == expected else {
                throw index < 9 ? .malformedStatusLine : .malformedStatus
            }
        }
    }

    /// Takes all complete lines; answers whether the empty one was among them.
    private mutating func parseFields(
        _ base: UnsafeRawPointer,
        _ count: Int,
        _ fields: FieldBlock
    ) throws(ResponseError) -> Bool {
        var line = FieldLine()
        while true {
            let outcome: FieldLine.Outcome
            do {
                outcome = try line.scan(base, count, at: progress.position)
            } catch {
                throw .field(error)
            }
            guard outcome == .field else {
                if outcome == .end { progress.position = line.next }
                return outcome == .end
            }
            guard fields.count < limits.fields else { throw .tooManyFields }
            fields.add(line.field(from: 0))
            progress.position = line.next
            guard line.id == .contentLength || line.id == .transferEncoding else { continue }
            do {
                try takeFraming(base, line)
            } catch {
                throw .framing(error)
            }
        }
    }

    private mutating func takeFraming(_ base: UnsafeRawPointer, _ line: FieldLine) throws(FramingFault) {
        let value = UnsafeRawBufferPointer(start: base + line.valueStart, count: line.valueEnd &- line.valueStart)
        if line.id == .contentLength {
            try progress.framing.takeContentLength(value)
        } else {
            try progress.framing.takeTransferEncoding(value, minorVersion: progress.minorVersion)
        }
    }

    private func finish(_ head: ResponseHead, _ requestMethod: Method) throws(ResponseError) {
        guard let options = ConnectionOptions.take(from: head.fields, limit: limits.fields) else {
            throw .tooManyFields
        }
        head.status = progress.status
        head.minorVersion = progress.minorVersion
        head.contentLength = progress.framing.contentLength
        head.framing = framing(requestMethod)
        head.keepsAlive = head.framing != .untilClose && options.persists(minorVersion: progress.minorVersion)
        if head.fields.present.has(.keepAlive) { head.keepAliveSeconds = head.fields.keepAliveSeconds }
    }

    /// RFC 9112 §6.3.
    private func framing(_ requestMethod: Method) -> MessageFraming {
        if requestMethod == .head || progress.status < 200 || progress.status == 204 || progress.status == 304 {
            return .none
        }
        if progress.framing.isChunked { return .chunked }
        guard let length = progress.framing.contentLength else { return .untilClose }
        return length == 0 ? .none : .length(length)
    }
}
