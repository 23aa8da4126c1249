/// One UTF-8 sequence (RFC 3629 §4) at the start of some bytes.
public enum UTF8Sequence: Equatable, Sendable {
    /// A well-formed sequence of that many bytes, 1...4.
    case valid(Int)

    /// An ill-formed part of that many bytes, 1...3: the longest start of a sequence that is well-formed so far, which
    /// one U+FFFD stands for (Unicode 15, §3.9, "maximal subpart").
    case invalid(Int)

    /// Judges the sequence that `bytes`, which must not be empty, start with.
    public static func measure(_ bytes: UnsafeRawBufferPointer) -> UTF8Sequence {
        let lead = bytes[0]
        guard lead >= 0x80 else { return .valid(1) }
        guard let shape = shape(lead) else { return .invalid(1) }
        guard bytes.count > 1, shape.second.contains(bytes[1]) else { return .invalid(1) }
        var position = 2
        while position < shape.length {
            guard position < bytes.count, bytes[position] & 0xC0 == 0x80 else { return .invalid(position) }
            position += 1
        }
        return .valid(shape.length)
    }

    /// Whether all of `bytes` are well-formed UTF-8.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < bytes.count {
            if position &+ 8 <= bytes.count,
                bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                position &+= 8
                continue
            }
            guard case .valid(let count) = measure(UnsafeRawBufferPointer(rebasing: bytes[position...])) else {
                return false
            }
            position &+= count
        }
        return true
    }

    /// How long a sequence with this first byte is, and what may come second; no overlong forms, no surrogates,
    /// nothing above U+10FFFF.
    private static func shape(_ lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
