internal import PenstockBytes

/// A request line as offsets: `method SP request-target SP HTTP-version CRLF` (RFC 9112 §3).
struct RequestLine: Sendable {
    private(set) var method = 0..<0

    /// What the gateway calls the method; known once the target is read.
    private(set) var methodCase = Method.other
    private(set) var target = 0..<0

    /// 0 for HTTP/1.0, 1 for HTTP/1.1 and every later minor version (RFC 9110 §2.5).
    private(set) var minorVersion = 1

    private(set) var form = RequestHead.TargetForm.origin

    /// The path as it came; empty for a target without one.
    private(set) var path = 0..<0

    /// The query as it came, behind its `?`.
    private(set) var query: Range<Int>?

    /// The authority that the target names, in absolute form or authority form.
    private(set) var authority: Range<Int>?

    /// Whether a target in absolute form begins with `https:`.
    private(set) var isHTTPS = false

    /// Whether the path is in normal form but for runs of slashes, as nearly all are.
    private(set) var hasPlainPath = true

    /// Finds the line that begins at `start`.
    ///
    /// - Returns: the offset behind it, or `nil` where its end has not arrived.
    /// - Throws: ``RequestError``, also for a line that has not ended yet.
    mutating func scan(_ base: UnsafeRawPointer, _ count: Int, from start: Int) throws(RequestError) -> Int? {
        var position = start
        while position < count, TokenBytes.contains(base.load(fromByteOffset: position, as: UInt8.self)) {
            position &+= 1
        }
        guard position < count else { return nil }
        guard position > start, base.load(fromByteOffset: position, as: UInt8.self) == ASCII.space else {
            throw .malformedRequestLine
        }
        method = start..<position
        let targetStart = position &+ 1
        position = TokenBytes.skipTarget(base, targetStart, count)
        guard position < count else { return nil }
        guard position > targetStart, base.load(fromByteOffset: position, as: UInt8.self) == ASCII.space else {
            throw Self.targetFault(
                base.load(fromByteOffset: position, as: UInt8.self),
                isEmpty: position == targetStart
            )
        }
        target = targetStart..<position
        return try scanVersion(base, count, at: position &+ 1)
    }

    private static func targetFault(_ byte: UInt8, isEmpty: Bool) -> RequestError {
        switch byte {
        case ASCII.carriageReturn, ASCII.lineFeed, ASCII.tab: .malformedRequestLine
        default: isEmpty && byte == ASCII.space ? .malformedRequestLine : .malformedTarget
        }
    }

    /// Reads `HTTP/1.x CRLF`, the name in capitals (RFC 9112 §2.3).
    private mutating func scanVersion(
        _ base: UnsafeRawPointer,
        _ count: Int,
        at start: Int
    ) throws(RequestError) -> Int? {
        if count &- start >= 10 {
            let version = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            let end = UInt16(littleEndian: base.loadUnaligned(fromByteOffset: start &+ 8, as: UInt16.self))
            if version == 0x312E_312F_5054_5448, end == 0x0A0D {
                minorVersion = 1
                return start &+ 10
            }
        }
        let digits = try Self.scanVersionSlowly(base, count, at: start)
        guard let digits else { return nil }
        guard digits.major == 1 else { throw .unsupportedVersion }
        minorVersion = digits.minor == 0 ? 0 : 1
        return start &+ 10
    }

    private static func scanVersionSlowly(
        _ base: UnsafeRawPointer,
        _ count: Int,
        at start: Int
    ) throws(RequestError) -> (major: UInt8, minor: UInt8)? {
        let pattern: StaticString = "HTTP/0.0\r\n"
        for index in 0..<min(count &- start, 10) {
            let byte = base.load(fromByteOffset: start &+ index, as: UInt8.self)
            let isExpected = index == 5 || index == 7 ? ASCII.isDigit(byte) : byte == pattern.utf8Start[index]
            guard isExpected else { throw .malformedRequestLine }
        }
        guard count &- start >= 10 else { return nil }
        return (
            base.load(fromByteOffset: start &+ 5, as: UInt8.self) &- ASCII.zero,
            base.load(fromByteOffset: start &+ 7, as: UInt8.self) &- ASCII.zero
        )
    }

    /// Finds the parts of the target (RFC 9112 §3.2).
    ///
    /// - Parameters:
    ///   - base: where the offsets count from.
    ///   - readable: how many bytes may be looked at, which is more than the line has.
    /// - Throws: ``RequestError``.
    mutating func readTarget(_ base: UnsafeRawPointer, readable: Int) throws(RequestError) {
        let first = base.load(fromByteOffset: target.lowerBound, as: UInt8.self)
        methodCase = Method(UnsafeRawBufferPointer(start: base + method.lowerBound, count: method.count))
        if methodCase == .connect { return try readAuthorityForm(base) }
        if first == ASCII.slash { return splitPath(base, from: target.lowerBound, readable: readable) }
        if first == 0x2A, target.count == 1 {
            guard methodCase == .options else { throw .malformedTarget }
            form = .asterisk
            return
        }
        try readAbsoluteForm(base, readable: readable)
    }

    private mutating func readAuthorityForm(_ base: UnsafeRawPointer) throws(RequestError) {
        let bytes = UnsafeRawBufferPointer(start: base + target.lowerBound, count: target.count)
        guard Authority.isValid(bytes), Authority.hasPort(bytes) else { throw .malformedTarget }
        form = .authority
        authority = target
    }

    private mutating func readAbsoluteForm(
        _ base: UnsafeRawPointer,
        readable: Int
    ) throws(RequestError) {
        let bytes = UnsafeRawBufferPointer(start: base + target.lowerBound, count: target.count)
        guard let colon = bytes.firstIndex(of: ASCII.colon), bytes.count >= colon + 3,
            bytes[colon + 1] == ASCII.slash, bytes[colon + 2] == ASCII.slash
        else { throw .malformedTarget }
        let scheme = UnsafeRawBufferPointer(rebasing: bytes[..<colon])
        isHTTPS = FieldBlock.matches(scheme, "https")
        guard isHTTPS || FieldBlock.matches(scheme, "http") else { throw .malformedTarget }
        let rest = bytes[(colon + 3)...]
        let end = rest.firstIndex { $0 == ASCII.slash || $0 == ASCII.question } ?? bytes.count
        guard Authority.isValid(UnsafeRawBufferPointer(rebasing: bytes[(colon + 3)..<end])) else {
            throw .malformedTarget
        }
        form = .absolute
        let pathStart = target.lowerBound &+ end
        authority = target.lowerBound &+ colon &+ 3..<pathStart
        splitPath(base, from: pathStart, readable: readable)
        // RFC 9112 §3.2.4: without path and query it asks about the server as a whole.
        if methodCase == .options, path.isEmpty, query == nil { form = .asterisk }
    }

    /// Cuts path and query apart, and sees whether the path needs a closer look.
    private mutating func splitPath(_ base: UnsafeRawPointer, from start: Int, readable: Int) {
        let end = target.upperBound
        var position = start
        while position < end {
            position = TokenBytes.skipPlainPath(base, position, end, readable: readable)
            guard position < end else { break }
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            if byte == ASCII.question { break }
            let isInSegment =
                position > start && base.load(fromByteOffset: position &- 1, as: UInt8.self) != ASCII.slash
            if byte != ASCII.dot || !isInSegment { hasPlainPath = false }
            position &+= 1
        }
        path = start..<min(position, end)
        query = position < end ? position &+ 1..<end : nil
    }
}
