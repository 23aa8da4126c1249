/// Random numbers without a system call, seeded from the kernel: xoshiro256**.
///
/// Evenly spread, not secret: who sees enough of them can predict the next.
public struct RandomSource: RandomNumberGenerator {
    @usableFromInline var state: (UInt64, UInt64, UInt64, UInt64)

    /// A source of its own.
    public init() {
        var system = SystemRandomNumberGenerator()
        state = (system.next(), system.next(), system.next(), system.next() | 1)
    }

    /// 64 random bits.
    @inlinable public mutating func next() -> UInt64 {
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

    /// A number of 0..<`bound`, which is at least 1.
    @inlinable public mutating func next(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
