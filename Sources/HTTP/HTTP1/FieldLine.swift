internal import PenstockBytes

/// The line of one field: `field-name ":" OWS field-value OWS CRLF` (RFC 9112 §5), as offsets.
struct FieldLine {
    /// What a scan found.
    enum Outcome {
        /// A field; the scan's results say where.
        case field

        /// The empty line that ends the fields; ``FieldLine/next`` is behind it.
        case end

        /// A line whose end has not arrived, and in which nothing is wrong so far.
        case incomplete
    }

    private(set) var id = FieldName.other
    private(set) var start = 0
    private(set) var nameEnd = 0
    private(set) var valueStart = 0
    private(set) var valueEnd = 0
    private(set) var lineEnd = 0

    /// Where the next line begins.
    private(set) var next = 0

    /// The field with its offsets counted from `origin`.
    @inline(__always) func field(from origin: Int) -> Field {
        Field(
            id: id,
            name: start &- origin..<nameEnd &- origin,
            value: valueStart &- origin..<valueEnd &- origin,
            lineEnd: lineEnd &- origin
        )
    }

    /// Looks at the line that begins at `position`, of the `count` bytes at `base`.
    ///
    /// - Throws: ``FieldFault``, also for a line that has not ended yet.
    @inline(__always)
    mutating func scan(_ base: UnsafeRawPointer, _ count: Int, at position: Int) throws(FieldFault) -> Outcome {
        start = position
        guard position < count else { return .incomplete }
        guard try scanName(base, count) else {
            // A line without a name: the end of the fields, or the beginning of it, or malformed.
            return try scanEmptyLine(base, count)
        }
        guard nameEnd < count else { return .incomplete }
        return try scanValue(base, count) ? .field : .incomplete
    }

    /// Finds the colon; answers `false` where the line does not begin with a byte of a name.
    @inline(__always)
    private mutating func scanName(_ base: UnsafeRawPointer, _ count: Int) throws(FieldFault) -> Bool {
        var end = TokenBytes.skipPlainName(base, start, count)
        var isUnderscored = false
        while end < count {
            let byte = base.load(fromByteOffset: end, as: UInt8.self)
            if byte == ASCII.colon { break }
            guard TokenBytes.contains(byte) else {
                if end == start { return false }
                throw Self.nameFault(byte)
            }
            if byte == 0x5F { isUnderscored = true }
            end = TokenBytes.skipPlainName(base, end &+ 1, count)
        }
        guard end > start else { throw .emptyName }
        nameEnd = end
        id = isUnderscored ? .underscored : .known(base + start, end &- start)
        return true
    }

    private static func nameFault(_ byte: UInt8) -> FieldFault {
        switch byte {
        case ASCII.space, ASCII.tab: .spaceBeforeColon
        case ASCII.carriageReturn, ASCII.lineFeed: .noColon
        default: .malformedName
        }
    }

    /// Finds the value and the end of the line; answers `false` where the end has not arrived.
    @inline(__always)
    private mutating func scanValue(_ base: UnsafeRawPointer, _ count: Int) throws(FieldFault) -> Bool {
        var position = nameEnd &+ 1
        while position < count, Self.isBlank(base, position) { position &+= 1 }
        valueStart = position
        position = TokenBytes.skipText(base, position, count)
        while position < count, base.load(fromByteOffset: position, as: UInt8.self) == ASCII.tab {
            position = TokenBytes.skipText(base, position &+ 1, count)
        }
        guard position < count else { return false }
        guard try Self.endsLine(base, count, at: position) else { return false }
        lineEnd = position
        next = position &+ 2
        while position > valueStart, Self.isBlank(base, position &- 1) { position &-= 1 }
        valueEnd = position
        return true
    }

    /// Whether CRLF is at `position`; `false` where its LF has not arrived.
    @inline(__always) private static func endsLine(
        _ base: UnsafeRawPointer,
        _ count: Int,
        at position: Int
    ) throws(FieldFault) -> Bool {
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        guard byte == ASCII.carriageReturn else { throw byte == ASCII.lineFeed ? .bareLineFeed : .controlByte }
        guard position &+ 1 < count else { return false }
        guard base.load(fromByteOffset: position &+ 1, as: UInt8.self) == ASCII.lineFeed else {
            throw .bareCarriageReturn
        }
        return true
    }

    @inline(__always)
    private mutating func scanEmptyLine(_ base: UnsafeRawPointer, _ count: Int) throws(FieldFault) -> Outcome {
        switch base.load(fromByteOffset: start, as: UInt8.self) {
        case ASCII.carriageReturn: break
        case ASCII.lineFeed: throw .bareLineFeed
        case ASCII.space, ASCII.tab: throw .folded
        default: throw .malformedName
        }
        guard try Self.endsLine(base, count, at: start) else { return .incomplete }
        next = start &+ 2
        return .end
    }

    @inline(__always) private static func isBlank(_ base: UnsafeRawPointer, _ position: Int) -> Bool {
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        return byte == ASCII.space || byte == ASCII.tab
    }
}
