public import PenstockBytes
internal import PenstockPatterns

/// What is wrong with a path that two servers may read differently.
public enum PathFault: UInt8, Error, Equatable, Sendable {
    /// `%` without two hexadecimal digits behind it.
    case malformedEscape

    /// `\`, plain or escaped, which some servers take for `/`.
    case backslash

    /// A control byte, plain or escaped.
    case controlByte

    /// A byte that no path has, as `"`, `<`, `>` or one outside of ASCII (RFC 3986 §3.3).
    case malformedByte

    /// A segment that is `.` or `..` to a server that cuts it at `;`, or decodes it once more.
    case disguisedDots

    /// `%2F`, where the configuration refuses it.
    case encodedSlash

    /// The fault in a few words, for the log.
    public var reason: StaticString {
        switch self {
        case .malformedEscape: "a malformed escape in the path"
        case .backslash: "a backslash in the path"
        case .controlByte: "a control byte in the path"
        case .malformedByte: "a byte in the path that no path has"
        case .disguisedDots: "a dot segment in disguise"
        case .encodedSlash: "an encoded slash in the path"
        }
    }
}

/// Brings a path into the one form that router, filters, log, functions and upstreams see.
///
/// Escapes of unreserved bytes are decoded, other escapes written in upper case, and dot segments removed (RFC 3986
/// §6.2.2). What another server might read as something else than we do is refused.
public struct PathNormalizer: Sendable {
    /// Whether runs of `/` become one.
    public let mergeSlashes: Bool

    /// Whether `%2F` is refused; else it stays as it is, and is no separator.
    public let rejectEncodedSlashes: Bool

    /// A normaliser by the configuration's `paths`.
    public init(mergeSlashes: Bool, rejectEncodedSlashes: Bool) {
        self.mergeSlashes = mergeSlashes
        self.rejectEncodedSlashes = rejectEncodedSlashes
    }

    /// Writes the normal form of `path` behind what is in `output`.
    ///
    /// - Parameters:
    ///   - path: a path that begins with `/`, without query.
    ///   - output: where the form goes, which is never longer than the path.
    /// - Throws: ``PathFault``; `output` is unchanged then.
    public func normalize(_ path: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(PathFault) {
        output.reserve(path.count)
        let count = try normalize(path, into: output.writable)
        output.commit(count)
    }

    /// Writes the normal form of `path` to the start of `output`, which has at least the path's length.
    func normalize(_ path: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(PathFault) -> Int
    {
        // The writer relies on it: it goes back to a slash, and there is always one.
        guard path.first == ASCII.slash else { throw .malformedByte }
        var writer = PathWriter(output: output, mergeSlashes: mergeSlashes)
        var index = 0
        while index < path.count {
            let byte = path[index]
            index += 1
            switch byte {
            case ASCII.slash: try writer.endSegment()
            case ASCII.percent:
                try writer.append(escaped: escapedByte(path, at: index), rejectSlash: rejectEncodedSlashes)
                index += 2
            default: try writer.append(plain: byte)
            }
        }
        return try writer.finish()
    }

    private func escapedByte(_ path: UnsafeRawBufferPointer, at index: Int) throws(PathFault) -> UInt8 {
        guard index + 1 < path.count, let high = ASCII.hexValue(path[index]), let low = ASCII.hexValue(path[index + 1])
        else { throw .malformedEscape }
        return high << 4 | low
    }
}

/// Writes a path segment by segment; never writes more than it was given.
private struct PathWriter {
    let output: UnsafeMutableRawBufferPointer
    let mergeSlashes: Bool
    private var count = 0
    private var segment = 0
    private var isSuspect = false

    init(output: UnsafeMutableRawBufferPointer, mergeSlashes: Bool) {
        self.output = output
        self.mergeSlashes = mergeSlashes
    }

    mutating func append(plain byte: UInt8) throws(PathFault) {
        switch byte {
        case 0..<ASCII.space, 0x7F: throw .controlByte
        case ASCII.backslash: throw .backslash
        case ASCII.space, 0x22, 0x23, 0x3C, 0x3E, ASCII.question, 0x80...: throw .malformedByte
        case ASCII.semicolon: isSuspect = true
        default: break
        }
        put(byte)
    }

    mutating func append(escaped byte: UInt8, rejectSlash: Bool) throws(PathFault) {
        if byte < ASCII.space || byte == 0x7F { throw .controlByte }
        if byte == ASCII.backslash { throw .backslash }
        if byte == ASCII.slash, rejectSlash { throw .encodedSlash }
        if Self.isUnreserved(byte) { return put(byte) }
        isSuspect = true
        put(ASCII.percent)
        put(ASCII.hexDigit(byte >> 4))
        put(ASCII.hexDigit(byte & 0xF))
    }

    /// Ends the segment that a slash ends, and writes the slash where the segment stays.
    mutating func endSegment() throws(PathFault) {
        if try !removeDots(), !(mergeSlashes && count > 0 && count == segment) { put(ASCII.slash) }
        segment = count
        isSuspect = false
    }

    /// Ends the last segment, and answers the length of the whole.
    mutating func finish() throws(PathFault) -> Int {
        _ = try removeDots()
        return count
    }

    private mutating func put(_ byte: UInt8) {
        output[count] = byte
        count += 1
    }

    /// Takes a dot segment out, with the one before it where there are two dots (RFC 3986 §5.2.4).
    private mutating func removeDots() throws(PathFault) -> Bool {
        let length = count - segment
        if (1...2).contains(length), output[segment] == ASCII.dot, output[count - 1] == ASCII.dot {
            count = segment
            if length == 2, count > 1 {
                count -= 1
                while output[count - 1] != ASCII.slash { count -= 1 }
            }
            return true
        }
        if isSuspect, DisguisedDots.found(in: UnsafeRawBufferPointer(rebasing: output[segment..<count])) {
            throw .disguisedDots
        }
        return false
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2D || byte == ASCII.dot || byte == 0x5F || byte == 0x7E
    }
}
