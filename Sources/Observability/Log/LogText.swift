import Glibc
public import PenstockBytes

/// How bytes from outside are shown in a line of text: whatever they are, they stay in their line and in their place.
public enum LogText {
    /// Appends bytes of a client: everything outside printable ASCII, quotes and backslashes become `\xHH`.
    public static func append(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        guard let base = bytes.baseAddress else { return }
        var position = 0
        while position < bytes.count {
            let run = PlainText.run(base + position, count: bytes.count &- position)
            buffer.append(UnsafeRawBufferPointer(start: base + position, count: run))
            position &+= run
            if position < bytes.count {
                escape(bytes[position], to: &buffer)
                position &+= 1
            }
        }
    }

    /// Appends bytes of a client that stand between spaces: a space is escaped too, and nothing at all becomes `-`.
    public static func appendWord(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        if bytes.isEmpty { buffer.append(UInt8(0x2D)) }
        var rest = bytes
        while let base = rest.baseAddress, let space = memchr(base, Int32(ASCII.space), rest.count) {
            let count = UnsafeRawPointer(space) - base
            append(UnsafeRawBufferPointer(rebasing: rest[..<count]), to: &buffer)
            escape(ASCII.space, to: &buffer)
            rest = UnsafeRawBufferPointer(rebasing: rest[(count + 1)...])
        }
        append(rest, to: &buffer)
    }

    /// Appends a line that a function printed: well-formed UTF-8 stays, quotes and backslashes too.
    ///
    /// Control bytes but the tab, C1 controls and ill-formed bytes become `\xHH`, so that ESC and CR cannot rewrite
    /// what a terminal shows.
    public static func appendLine(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        var position = 0
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            let length = printable(rest)
            if length > 0 {
                buffer.append(UnsafeRawBufferPointer(rebasing: rest[..<length]))
                position += length
            } else {
                escape(rest[0], to: &buffer)
                position += 1
            }
        }
    }

    /// How many bytes of the first character may be shown as they are; 0 if its first byte may not.
    private static func printable(_ rest: UnsafeRawBufferPointer) -> Int {
        let byte = rest[0]
        if byte < 0x80 { return (byte >= 0x20 && byte != 0x7F) || byte == ASCII.tab ? 1 : 0 }
        guard case .valid(let count) = UTF8Sequence.measure(rest) else { return 0 }
        return byte == 0xC2 && rest[1] < 0xA0 ? 0 : count
    }

    private static func escape(_ byte: UInt8, to buffer: inout ByteBuffer) {
        buffer.append("\\x")
        buffer.append(ASCII.hexDigit(byte >> 4))
        buffer.append(ASCII.hexDigit(byte & 15))
    }
}
