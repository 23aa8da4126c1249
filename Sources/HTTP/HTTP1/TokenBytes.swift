internal import PenstockBytes

/// The bytes that names, values and targets are made of (RFC 9110 §5.5, §5.6.2), and scans for the first other one.
enum TokenBytes {
    /// Whether `byte` may be in a token: a letter, a digit or one of ``!#$%&'*+-.^_`|~``.
    @inline(__always) static func contains(_ byte: UInt8) -> Bool {
        // One bit a byte: 0x00-0x3F in the first word, 0x40-0x7F in the second.
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        let word = byte < 64 ? low : high
        return byte < 128 && (word >> UInt64(byte & 63)) & 1 != 0
    }

    /// Whether `byte` may be in a field value: everything but control bytes, HTAB excepted.
    @inline(__always) static func isFieldText(_ byte: UInt8) -> Bool {
        (byte >= ASCII.space && byte != 0x7F) || byte == ASCII.tab
    }

    /// Where the first byte at or behind `start` is that is neither a letter, a digit nor `-`; `end` where none is.
    @inline(__always) static func skipPlainName(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        var position = start
        while end &- position >= 16 {
            let bytes = base.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let letters = ((bytes | all(0x20)) &- all(0x61)) .< all(26)
            let others = ((bytes &- all(0x30)) .< all(10)) .| (bytes .== all(0x2D))
            let stop = firstSet((letters .| others) .^ SIMDMask(repeating: true))
            if stop < 16 { return position &+ stop }
            position &+= 16
        }
        while position < end {
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            guard ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2D else { return position }
            position &+= 1
        }
        return end
    }

    /// Where the first control byte at or behind `start` is, HTAB included; `end` where none is.
    @inline(__always) static func skipText(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        var position = start
        while end &- position >= 16 {
            let bytes = base.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let stop = firstSet((bytes .< all(0x20)) .| (bytes .== all(0x7F)))
            if stop < 16 { return position &+ stop }
            position &+= 16
        }
        while position < end {
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            if byte < 0x20 || byte == 0x7F { return position }
            position &+= 1
        }
        return end
    }

    /// Where the first byte at or behind `start` is that no request target has; `end` where none is.
    ///
    /// A target has visible ASCII only (RFC 3986 §2), and no fragment (RFC 9112 §3.2).
    @inline(__always) static func skipTarget(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        var position = start
        while end &- position >= 16 {
            let bytes = base.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let stop = firstSet(((bytes &- all(0x21)) .>= all(0x5E)) .| (bytes .== all(0x23)))
            if stop < 16 { return position &+ stop }
            position &+= 16
        }
        while position < end {
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            if byte &- 0x21 >= 0x5E || byte == 0x23 { return position }
            position &+= 1
        }
        return end
    }

    /// Where the first byte at or behind `start` is that ends a path or may make it other than normal; `end` where none is.
    ///
    /// Looks at up to `readable` bytes, so that the last ones before `end` need no loop of their own.
    @inline(__always)
    static func skipPlainPath(_ base: UnsafeRawPointer, _ start: Int, _ end: Int, readable: Int) -> Int {
        var position = start
        while position < end, readable &- position >= 16 {
            let bytes = base.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let quotes =
                (bytes .== all(0x22)) .| (bytes .== all(0x3C)) .| (bytes .== all(0x3E))
                .| (bytes .== all(ASCII.backslash))
            let others = (bytes .== all(ASCII.question)) .| (bytes .== all(ASCII.percent)) .| (bytes .== all(ASCII.dot))
            let stop = firstSet(quotes .| others)
            if stop < 16 { return min(position &+ stop, end) }
            position &+= 16
        }
        while position < end {
            switch base.load(fromByteOffset: position, as: UInt8.self) {
            case 0x22, 0x3C, 0x3E, ASCII.backslash, ASCII.question, ASCII.percent, ASCII.dot: return position
            default: position &+= 1
            }
        }
        return end
    }

    /// Sixteen times `byte`.
    ///
    /// The operators that take a vector and a number are compiled to a loop over the lanes (measured: 50 times slower).
    @inline(__always) private static func all(_ byte: UInt8) -> SIMD16<UInt8> { SIMD16(repeating: byte) }

    /// The index of the first lane that is set; 16 where none is.
    @inline(__always) private static func firstSet(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        // Each lane is 0x00 or 0xFF, and lane 0 is the lowest byte: two words tell where the first is.
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words[0] != 0 { return UInt64(littleEndian: words[0]).trailingZeroBitCount &>> 3 }
        if words[1] != 0 { return 8 &+ UInt64(littleEndian: words[1]).trailingZeroBitCount &>> 3 }
        return 16
    }
}
