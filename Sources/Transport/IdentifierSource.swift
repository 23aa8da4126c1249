import PenstockBytes

/// Random version 4 UUIDs (RFC 9562 §5.4), for request ids; seeded from the kernel, one for each loop.
///
/// Unique, not secret: xoshiro256** can be predicted by who sees enough of it.
public final class IdentifierSource {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A source of its own.
    public init() {
        var system = SystemRandomNumberGenerator()
        state = (system.next(), system.next(), system.next(), system.next() | 1)
    }

    private func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }

    /// A new UUID as text.
    public func text() -> String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            buffer.baseAddress.map(write)
            return 36
        }
    }

    /// Writes the 36 characters of a new UUID to `text`.
    func write(to text: UnsafeMutablePointer<UInt8>) {
        let high = next() & ~0xF000 | 0x4000
        let low = next() & ~(0b11 << 62) | 0b10 << 62
        var position = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text[position] = 0x2D
                position &+= 1
            }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 &- 4 &* (index & 15))) & 15
            text[position] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
            position &+= 1
        }
    }
}
