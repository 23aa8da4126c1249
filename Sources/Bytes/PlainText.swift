/// Printable ASCII other than `"` and `\`: what JSON, logs and quoted strings can take as it is.
public enum PlainText {
    /// How many of the `count` bytes at `base` are plain before the first that is not.
    ///
    /// Eight at a time. Borrows and carries only spread from a true hit to higher bytes, so the lowest flagged byte is
    /// exact.
    public static func run(_ base: UnsafeRawPointer, count: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        var position = 0
        while position &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let control = (word &- ones &* 0x20) & ~word
            let quotes = ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
            let hits = (control | quotes | word | (word &+ ones)) & high
            if hits != 0 { return position &+ hits.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < count, isPlain(base.load(fromByteOffset: position, as: UInt8.self)) { position &+= 1 }
        return position
    }

    /// Whether one byte is plain.
    @inlinable public static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != ASCII.quote && byte != ASCII.backslash
    }
}
