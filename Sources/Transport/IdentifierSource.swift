import PenstockBytes
import PenstockSystem

/// Random version 4 UUIDs (RFC 9562 §5.4), for request ids; seeded from the kernel, one for each loop.
///
/// Unique, not secret: who sees enough of them can predict the next.
public final class IdentifierSource {
    @exclusivity(unchecked) private var random = RandomSource()

    /// A source of its own.
    public init() {}

    /// A new UUID as text.
    public func text() -> String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            buffer.baseAddress.map(write)
            return 36
        }
    }

    /// Writes the 36 characters of a new UUID to `text`.
    func write(to text: UnsafeMutablePointer<UInt8>) {
        let high = random.next() & ~0xF000 | 0x4000
        let low = random.next() & ~(0b11 << 62) | 0b10 << 62
        let raw = UnsafeMutableRawPointer(text)
        for dash in 0..<4 { text[8 &+ 5 &* dash] = 0x2D }
        let second = Self.digits(high)
        let third = Self.digits(low >> 32)
        raw.storeBytes(of: Self.digits(high >> 32), as: UInt64.self)
        raw.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
        raw.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
        raw.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
        raw.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
        raw.storeBytes(of: Self.digits(low), toByteOffset: 28, as: UInt64.self)
    }

    /// The eight hexadecimal digits of the lower half of `number`, the first in the lowest byte.
    @inline(__always) private static func digits(_ number: UInt64) -> UInt64 {
        var nibbles = number & 0xFFFF_FFFF
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = ((nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F).byteSwapped
        let areLetters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ areLetters &* 0x27
    }
}
