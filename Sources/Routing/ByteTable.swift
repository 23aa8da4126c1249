/// Every literal of a route table, one after the other.
struct ByteTable: Sendable {
    /// Where one literal lies.
    struct Slice: Sendable {
        let start: UInt32
        let count: UInt32
    }

    private var bytes: [UInt8] = []

    /// Adds a literal.
    mutating func add(_ literal: some Collection<UInt8>) -> Slice {
        let slice = Slice(start: UInt32(bytes.count), count: UInt32(literal.count))
        bytes.append(contentsOf: literal)
        return slice
    }

    /// Calls `body` with a literal's bytes.
    @inline(__always)
    func with<Result>(_ slice: Slice, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { all in
            body(UnsafeRawBufferPointer(rebasing: all[Int(slice.start)..<Int(slice.start) + Int(slice.count)]))
        }
    }

    /// Whether a literal is `other`.
    @inline(__always)
    func equals(_ slice: Slice, _ other: UnsafeRawBufferPointer) -> Bool {
        guard other.count == Int(slice.count) else { return false }
        return bytes.withUnsafeBytes { all in
            let start = Int(slice.start)
            for index in 0..<other.count where all[start &+ index] != other[index] { return false }
            return true
        }
    }
}

/// A hash for a lookup table that is built from the configuration alone.
///
/// Whoever sends requests can only look up, never insert, so no chosen input makes a chain of it longer.
struct ByteHash {
    private var state: UInt64

    init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 ^ 0x51_7C_C1_B7_27_22_0A_95 }

    /// Takes one byte in.
    @inline(__always)
    mutating func combine(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    /// Takes bytes in, eight at a time.
    @inline(__always)
    mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        while index &+ 8 <= bytes.count {
            mix(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        var rest = UInt64(bytes.count)
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index &+= 1
        }
        mix(rest)
    }

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        let product = (state ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        state = product.high ^ product.low
    }

    /// The hash of what was taken in.
    @inline(__always)
    var value: Int {
        Int(truncatingIfNeeded: (state ^ state >> 32) & 0x7FFF_FFFF)
    }
}
