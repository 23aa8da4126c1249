internal import Glibc

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The upper 8 bytes in network order as a number; 0 for IPv4.
    public let high: UInt64

    /// The lower 8 bytes; for IPv4, its 4 bytes.
    public let low: UInt64

    /// Whether it is an IPv4 address.
    public let isIPv4: Bool

    init(high: UInt64, low: UInt64, isIPv4: Bool) {
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
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        var bytes: [UInt8] = Array(repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(bytes: bytes.prefix(4))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(bytes: bytes)
        } else {
            return nil
        }
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

/// Addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one address.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address; the bits after the prefix are zero.
    public let base: IPAddress

    /// How many bits all have in common: 0...32 or 0...128.
    public let prefix: Int

    /// Whether `address` is in the range; an IPv4 address is in no IPv6 range.
    public func contains(_ address: IPAddress) -> Bool {
        guard address.isIPv4 == base.isIPv4 else { return false }
        let masked = AddressRange.mask(address, prefix: prefix)
        return masked.high == base.high && masked.low == base.low
    }

    /// Whether the address with these 4 or 16 bytes, in network order, is in the range.
    public func contains(bytes: some Sequence<UInt8>) -> Bool {
        IPAddress(bytes: bytes).map(contains) ?? false
    }

    static func mask(_ address: IPAddress, prefix: Int) -> IPAddress {
        let bits = address.isIPv4 ? prefix + 96 : prefix
        let high: UInt64 = bits >= 64 ? .max : bits == 0 ? 0 : UInt64.max << (64 - UInt64(bits))
        let low: UInt64 = bits >= 128 ? .max : bits <= 64 ? 0 : UInt64.max << (128 - UInt64(bits))
        return IPAddress(high: address.high & high, low: address.low & low, isIPv4: address.isIPv4)
    }

    /// `10.0.0.0/8`.
    public var description: String { "\(base)/\(prefix)" }
}

/// The host of an address: a number or a name.
public enum Host: Hashable, Sendable, CustomStringConvertible {
    case ip(IPAddress)
    /// In lower case; looked up when the configuration is loaded.
    case name(String)

    /// Without brackets, as it is looked up.
    public var description: String {
        switch self {
        case .ip(let address): address.description
        case .name(let name): name
        }
    }

    /// With brackets around IPv6, as it stands before a port.
    public var bracketed: String {
        if case .ip(let address) = self, !address.isIPv4 { return "[\(address)]" }
        return description
    }
}

/// Where to listen.
public enum Address: Hashable, Sendable, CustomStringConvertible {
    /// `HOST:PORT`; port 0 is any free one.
    case host(Host, port: UInt16)
    /// `:PORT`, IPv4 and IPv6 at once.
    case any(port: UInt16)
    /// `unix:PATH`, resolved against the configuration's folder.
    case unix(String)

    /// As it may be written.
    public var description: String {
        switch self {
        case .host(let host, let port): "\(host.bracketed):\(port)"
        case .any(let port): ":\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The port; a unix socket has none.
    public var port: UInt16? {
        switch self {
        case .host(_, let port), .any(let port): port
        case .unix: nil
        }
    }
}
