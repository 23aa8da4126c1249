/// The inside of a JSON string: what needs an escape, and what may be copied.
@usableFromInline enum JSONEscaping {
    /// Appends `bytes` as the inside of a JSON string, without its quotes.
    @usableFromInline static func append(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        guard let base = bytes.baseAddress else { return }
        buffer.reserve(bytes.count &+ 2)
        var position = 0
        while position < bytes.count {
            let run = PlainText.run(base + position, count: bytes.count &- position)
            if run > 0 {
                buffer.append(UnsafeRawBufferPointer(start: base + position, count: run))
                position &+= run
                if position == bytes.count { return }
            }
            position &+= escape(UnsafeRawBufferPointer(rebasing: bytes[position...]), to: &buffer)
        }
    }

    /// Writes what stands at the start of `rest`, which is not plain, and answers how many bytes that took.
    private static func escape(_ rest: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) -> Int {
        let byte = rest[0]
        guard byte >= 0x80 else {
            escapeASCII(byte, to: &buffer)
            return 1
        }
        switch UTF8Sequence.measure(rest) {
        case .valid(let count) where byte == 0xC2 && rest[1] < 0xA0:
            buffer.append("\\u00")  // C1 controls: a terminal that reads the log would obey them
            appendHex(rest[1], to: &buffer)
            return count
        case .valid(let count):
            buffer.append(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            return count
        case .invalid(let count):
            buffer.append("\\ufffd")
            return count
        }
    }

    private static func escapeASCII(_ byte: UInt8, to buffer: inout ByteBuffer) {
        switch byte {
        case ASCII.quote: buffer.append("\\\"")
        case ASCII.backslash: buffer.append("\\\\")
        case 0x08: buffer.append("\\b")
        case 0x0C: buffer.append("\\f")
        case ASCII.lineFeed: buffer.append("\\n")
        case ASCII.carriageReturn: buffer.append("\\r")
        case ASCII.tab: buffer.append("\\t")
        default:
            buffer.append("\\u00")
            appendHex(byte, to: &buffer)
        }
    }

    private static func appendHex(_ byte: UInt8, to buffer: inout ByteBuffer) {
        buffer.append(ASCII.lowercased(ASCII.hexDigit(byte >> 4)))
        buffer.append(ASCII.lowercased(ASCII.hexDigit(byte & 15)))
    }
}
