/// Addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one address.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address; the bits after the prefix are zero.
    public let base: IPAddress

    /// How many bits all have in common: 0...32 or 0...128.
    public let prefix: Int

    /// The range that an address is in.
    ///
    /// - Parameters:
    ///   - address: any of the range's.
    ///   - prefix: how many bits all have in common: 0...32 or 0...128.
    public init(of address: IPAddress, prefix: Int) {
        base = Self.mask(address, prefix: prefix)
        self.prefix = prefix
    }

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

    /// Whether every address of `other` is in this range.
    public func contains(_ other: AddressRange) -> Bool { prefix <= other.prefix && contains(other.base) }

    private static func mask(_ address: IPAddress, prefix: Int) -> IPAddress {
        let bits = address.isIPv4 ? prefix + 96 : prefix
        let high: UInt64 = bits >= 64 ? .max : bits == 0 ? 0 : UInt64.max << (64 - UInt64(bits))
        let low: UInt64 = bits >= 128 ? .max : bits <= 64 ? 0 : UInt64.max << (128 - UInt64(bits))
        return IPAddress(high: address.high & high, low: address.low & low, isIPv4: address.isIPv4)
    }

    /// `10.0.0.0/8`.
    public var description: String { "\(base)/\(prefix)" }
}
