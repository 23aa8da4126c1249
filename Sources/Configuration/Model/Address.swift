public import PenstockPatterns

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
