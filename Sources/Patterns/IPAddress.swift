internal import Glibc

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The upper 8 bytes in network order as a number; 0 for IPv4.
    public let high: UInt64

    /// The lower 8 bytes; for IPv4, its 4 bytes.
    public let low: UInt64

    /// Whether it is an IPv4 address.
    public let isIPv4: Bool

    /// An address by its numbers.
    public init(high: UInt64, low: UInt64, isIPv4: Bool) {
        self.high = high
        self.low = low
        self.isIPv4 = isIPv4
    }

    /// `127.0.0.1`.
    public static let loopback = IPAddress(high: 0, low: 0x7F00_0001, isIPv4: true)

    /// An address in network order.
    ///
    /// An IPv4 address written as IPv6 (`::ffff:1.2.3.4`) becomes IPv4, as sockets of both families report it.
    ///
    /// - Parameter bytes: 4 or 16 bytes; of another count there is no address.
    public init?(bytes: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in bytes {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(byte)
            count += 1
        }
        switch count {
        case 4: self.init(high: 0, low: low, isIPv4: true)
        case 16 where high == 0 && low >> 32 == 0xFFFF: self.init(high: 0, low: low & 0xFFFF_FFFF, isIPv4: true)
        case 16: self.init(high: high, low: low, isIPv4: false)
        default: return nil
        }
    }

    /// Reads `192.0.2.1` or `2001:db8::1`, without brackets or zone.
    public init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let address = text.withUTF8({ IPAddress(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = address
    }

    /// Reads `192.0.2.1` or `2001:db8::1`, without brackets or zone; allocates nothing.
    public init?(_ text: UnsafeRawBufferPointer) {
        // The longest form, and the zero byte that ends it.
        var copy = InlineArray<46, CChar>(repeating: 0)
        guard text.count < copy.count else { return nil }
        for (index, byte) in text.enumerated() {
            guard byte != 0 else { return nil }
            copy[index] = CChar(bitPattern: byte)
        }
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        let length = copy.span.withUnsafeBufferPointer { text in
            guard let text = text.baseAddress else { return 0 }
            var span = bytes.mutableSpan
            return span.withUnsafeMutableBytes { bytes in
                inet_pton(AF_INET, text, bytes.baseAddress) == 1
                    ? 4 : inet_pton(AF_INET6, text, bytes.baseAddress) == 1 ? 16 : 0
            }
        }
        guard length > 0 else { return nil }
        let address = bytes.span.withUnsafeBytes { IPAddress(bytes: $0.prefix(length)) }
        guard let address else { return nil }
        self = address
    }

    /// Its 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        let lower = (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
        guard !isIPv4 else { return Array(lower.suffix(4)) }
        return (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) } + lower
    }

    /// `192.0.2.1`, `2001:db8::1`.
    public var description: String {
        var text: [CChar] = Array(repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let bytes = bytes
        guard inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
