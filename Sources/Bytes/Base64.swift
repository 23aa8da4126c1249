/// Base64 with the standard alphabet and padding (RFC 4648 §4).
public enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Appends `bytes`, encoded.
    public static func encode(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        let length = (bytes.count + 2) / 3 * 4
        buffer.reserve(length)
        let output = buffer.writable
        let letters = UnsafeRawBufferPointer(start: alphabet.utf8Start, count: 64)
        var written = 0
        var position = 0
        while position < bytes.count {
            let left = min(3, bytes.count &- position)
            var group = UInt32(bytes[position]) << 16
            if left > 1 { group |= UInt32(bytes[position &+ 1]) << 8 }
            if left > 2 { group |= UInt32(bytes[position &+ 2]) }
            output[written] = letters[Int(group >> 18)]
            output[written &+ 1] = letters[Int(group >> 12 & 63)]
            output[written &+ 2] = left > 1 ? letters[Int(group >> 6 & 63)] : ASCII.equals
            output[written &+ 3] = left > 2 ? letters[Int(group & 63)] : ASCII.equals
            written &+= 4
            position &+= 3
        }
        buffer.commit(length)
    }

    /// Appends the bytes that `text` stands for.
    ///
    /// Strict but for two things that encoders differ in: the padding may be absent, and line ends (CR, LF) are
    /// skipped.
    ///
    /// - Parameters:
    ///   - text: the encoded form.
    ///   - buffer: what the bytes are appended to; unchanged when the answer is `false`.
    /// - Returns: whether `text` was base64.
    public static func decode(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) -> Bool {
        let before = buffer.count
        buffer.reserve(text.count / 4 * 3 + 3)
        var group: UInt32 = 0
        var sextets = 0
        var padding = 0
        for byte in text where byte != ASCII.carriageReturn && byte != ASCII.lineFeed {
            if byte == ASCII.equals {
                padding += 1
                continue
            }
            guard padding == 0, let value = value(byte) else { return undo(before, &buffer) }
            group = group << 6 | UInt32(value)
            sextets &+= 1
            guard sextets == 4 else { continue }
            buffer.append(UInt8(truncatingIfNeeded: group >> 16))
            buffer.append(UInt8(truncatingIfNeeded: group >> 8))
            buffer.append(UInt8(truncatingIfNeeded: group))
            group = 0
            sextets = 0
        }
        guard finish(group, sextets, padding, &buffer) else { return undo(before, &buffer) }
        return true
    }

    /// Writes the bytes of a last group of fewer than four letters; unused bits must be zero.
    private static func finish(_ group: UInt32, _ sextets: Int, _ padding: Int, _ buffer: inout ByteBuffer) -> Bool {
        guard padding == 0 || (sextets > 1 && sextets + padding == 4) else { return false }
        switch sextets {
        case 0: return true
        case 2:
            buffer.append(UInt8(truncatingIfNeeded: group >> 4))
            return group & 15 == 0
        case 3:
            buffer.append(UInt8(truncatingIfNeeded: group >> 10))
            buffer.append(UInt8(truncatingIfNeeded: group >> 2))
            return group & 3 == 0
        default: return false
        }
    }

    private static func undo(_ count: Int, _ buffer: inout ByteBuffer) -> Bool {
        buffer.drop(buffer.count - count)
        return false
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
