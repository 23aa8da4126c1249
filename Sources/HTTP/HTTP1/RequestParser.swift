internal import PenstockBytes

/// Parses the heads of requests (RFC 9112 §2-§3, §5-§6), strictly: what two servers could read differently is refused.
///
/// One for a connection. It takes the bytes as they come, looks at no line twice that was complete, and refuses a head
/// as soon as a fault can be seen.
public struct RequestParser: Sendable {
    let limits: HeadLimits
    let normalizer: PathNormalizer
    private var progress = Progress()

    /// How far the head is parsed, and what was found on the way.
    private struct Progress {
        var hasRequestLine = false
        var hasCheckedPath = false

        /// Where the request line begins, behind an empty line perhaps.
        var origin = 0

        /// Where the first line begins that is not complete.
        var position = 0

        var line = RequestLine()
        var framing = FramingRules()
        var host: Range<Int>?
    }

    /// A parser with limits and with the configuration's `paths`.
    public init(limits: HeadLimits, mergeSlashes: Bool, rejectEncodedSlashes: Bool) {
        self.limits = limits
        normalizer = PathNormalizer(mergeSlashes: mergeSlashes, rejectEncodedSlashes: rejectEncodedSlashes)
    }

    /// Makes the parser ready for the next head.
    public mutating func reset() { progress = Progress() }

    /// Parses a head, or as much of it as there is.
    ///
    /// One empty line in front of the request line is skipped (RFC 9112 §2.2).
    ///
    /// - Parameters:
    ///   - bytes: everything that is unread, from the first byte of the head: at each call for one head the same, and more.
    ///   - head: empty at the first call for a head; complete, with a copy of its bytes, when a length is returned.
    /// - Returns: how many bytes the head takes, and the parser is ready for the next; `nil` when more are needed.
    /// - Throws: ``RequestError``; the connection is of no use any more, because nobody knows where the next head begins.
    public mutating func parse(_ bytes: RawSpan, into head: RequestHead) throws(RequestError) -> Int? {
        try bytes.withUnsafeBytes { (bytes) throws(RequestError) -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            return try parse(base, bytes.count, into: head)
        }
    }

    private mutating func parse(
        _ base: UnsafeRawPointer,
        _ count: Int,
        into head: RequestHead
    ) throws(RequestError) -> Int? {
        if !progress.hasRequestLine {
            guard try parseRequestLine(base, count) else { return nil }
        }
        guard try parseFields(base, count, head.fields) else {
            try checkPathOnce(base)
            guard count &- progress.origin <= limits.head else { throw .headTooLarge }
            return nil
        }
        guard progress.position &- progress.origin <= limits.head else { throw .headTooLarge }
        try finish(base, head)
        let length = progress.position
        progress = Progress()
        return length
    }

    private mutating func parseRequestLine(_ base: UnsafeRawPointer, _ count: Int) throws(RequestError) -> Bool {
        if progress.origin == 0 {
            guard let skipped = try Self.skipEmptyLine(base, count) else { return false }
            progress.origin = skipped
        }
        guard let end = try progress.line.scan(base, count, from: progress.origin) else {
            guard count &- progress.origin <= limits.requestLine else { throw .requestLineTooLong }
            return false
        }
        guard end &- progress.origin <= limits.requestLine else { throw .requestLineTooLong }
        try progress.line.readTarget(base, readable: count)
        progress.position = end
        progress.hasRequestLine = true
        return true
    }

    /// How many bytes an empty line at the start has; `nil` where its LF has not arrived.
    private static func skipEmptyLine(_ base: UnsafeRawPointer, _ count: Int) throws(RequestError) -> Int? {
        guard count > 0 else { return nil }
        guard base.load(as: UInt8.self) == ASCII.carriageReturn else { return 0 }
        guard count > 1 else { return nil }
        guard base.load(fromByteOffset: 1, as: UInt8.self) == ASCII.lineFeed else { throw .malformedRequestLine }
        return 2
    }

    /// Takes all complete lines; answers whether the empty one was among them.
    private mutating func parseFields(
        _ base: UnsafeRawPointer,
        _ count: Int,
        _ fields: FieldBlock
    ) throws(RequestError) -> Bool {
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
            fields.add(line.field(from: progress.origin))
            if Self.isInspected(line.id) { try inspect(base, line) }
            progress.position = line.next
        }
    }

    @inline(__always) private static func isInspected(_ id: FieldName) -> Bool {
        id == .host || id == .contentLength || id == .transferEncoding || id == .expect
    }

    /// Looks at a field that decides how the message is read.
    private mutating func inspect(_ base: UnsafeRawPointer, _ line: FieldLine) throws(RequestError) {
        let value = UnsafeRawBufferPointer(start: base + line.valueStart, count: line.valueEnd &- line.valueStart)
        switch line.id {
        case .host:
            guard progress.host == nil else { throw .repeatedHost }
            guard Authority.isValid(value) else { throw .malformedHost }
            progress.host = line.valueStart..<line.valueEnd
        case .expect:
            guard FieldBlock.matches(value, "100-continue") else { throw .unsupportedExpectation }
        default:
            do {
                if line.id == .contentLength {
                    try progress.framing.takeContentLength(value)
                } else {
                    try progress.framing.takeTransferEncoding(value, minorVersion: progress.line.minorVersion)
                }
            } catch {
                throw .framing(error)
            }
        }
    }

    /// Refuses a malformed path while the rest of the head is awaited.
    private mutating func checkPathOnce(_ base: UnsafeRawPointer) throws(RequestError) {
        guard !progress.hasCheckedPath else { return }
        progress.hasCheckedPath = true
        guard needsNormalizing(base) else { return }
        var scratch = ByteBuffer()
        let path = progress.line.path
        do {
            try normalizer.normalize(
                UnsafeRawBufferPointer(start: base + path.lowerBound, count: path.count),
                to: &scratch
            )
        } catch {
            throw .path(error)
        }
    }

    private func needsNormalizing(_ base: UnsafeRawPointer) -> Bool {
        let path = progress.line.path
        if !progress.line.hasPlainPath { return true }
        guard normalizer.mergeSlashes, path.count > 1 else { return false }
        return (path.lowerBound..<path.upperBound &- 1).contains {
            base.loadUnaligned(fromByteOffset: $0, as: UInt16.self) == 0x2F2F
        }
    }

    /// Fills in what the whole head says.
    private mutating func finish(_ base: UnsafeRawPointer, _ head: RequestHead) throws(RequestError) {
        let origin = progress.origin
        let line = progress.line
        let host = try checkedHost(base)
        head.fields.adopt(UnsafeRawBufferPointer(start: base + origin, count: progress.position &- origin))
        let path = line.path.lowerBound &- origin..<line.path.upperBound &- origin
        if line.path.isEmpty {
            head.facts.pathRange = head.fields.stash(line.form == .asterisk ? "*" : "/")
        } else if needsNormalizing(base) {
            do {
                head.facts.pathRange = try head.fields.stash(path: path, by: normalizer)
            } catch {
                throw .path(error)
            }
        } else {
            head.facts.pathRange = path
        }
        head.facts.methodRange = 0..<line.method.upperBound &- origin
        head.facts.queryRange = line.query.map { $0.lowerBound &- origin..<$0.upperBound &- origin }
        head.facts.authorityRange = host.lowerBound &- origin..<host.upperBound &- origin
        head.facts.method = line.methodCase
        head.facts.minorVersion = line.minorVersion
        head.facts.targetForm = line.form
        try finishFields(head)
    }

    private func finishFields(_ head: RequestHead) throws(RequestError) {
        if progress.framing.isChunked {
            head.facts.framing = .chunked
        } else if let length = progress.framing.contentLength, length > 0 {
            head.facts.framing = .length(length)
        } else {
            head.facts.framing = .none
        }
        guard let options = ConnectionOptions.take(from: head.fields, limit: limits.fields) else {
            throw .tooManyFields
        }
        head.facts.keepsAlive = options.persists(minorVersion: head.minorVersion)
        // RFC 9110 §10.1.1: of HTTP/1.0 it is ignored, and without a body there is nothing to wait for.
        head.facts.expectsContinue = head.fields.present.has(.expect) && head.minorVersion > 0 && head.framing != .none
    }

    /// The authority that the request is for, checked (RFC 9112 §3.2); empty where HTTP/1.0 names none.
    private func checkedHost(_ base: UnsafeRawPointer) throws(RequestError) -> Range<Int> {
        let line = progress.line
        guard let host = progress.host else {
            guard line.minorVersion == 0 else { throw .missingHost }
            return line.authority ?? progress.origin..<progress.origin
        }
        guard let authority = line.authority, line.form != .authority else { return host }
        let named = UnsafeRawBufferPointer(start: base + authority.lowerBound, count: authority.count)
        let field = UnsafeRawBufferPointer(start: base + host.lowerBound, count: host.count)
        guard Authority.areSame(named, field, isHTTPS: line.isHTTPS) else { throw .mismatchedHost }
        return authority
    }
}
