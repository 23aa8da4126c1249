internal import PenstockBytes

/// The syntax of `host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2), as strict as routing by host needs it.
///
/// A host is a name of letters, digits, `-`, `.`, `_`, `~`, or an IP address, one of version 6 in brackets. Escapes and
/// the other bytes that RFC 3986 allows are refused: no host in use has them, and two servers may read them differently.
public enum Authority {
    /// Whether `bytes` are a host that is not empty, and perhaps a port of at most 65535 behind a colon.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let end = hostEnd(bytes), end > 0 else { return false }
        return end == bytes.count || isPort(bytes, from: end)
    }

    /// Whether two valid authorities name the same host and port, where 80, or 443 for `https`, goes without saying.
    public static func areSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer, isHTTPS: Bool) -> Bool {
        guard let oneEnd = hostEnd(one), let otherEnd = hostEnd(other), oneEnd == otherEnd else { return false }
        for index in 0..<oneEnd where ASCII.lowercased(one[index]) != ASCII.lowercased(other[index]) { return false }
        return port(one, from: oneEnd, isHTTPS: isHTTPS) == port(other, from: otherEnd, isHTTPS: isHTTPS)
    }

    /// Whether a valid authority has a port that is not empty.
    static func hasPort(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let end = hostEnd(bytes) else { return false }
        return end + 1 < bytes.count
    }

    /// Where the host ends, which is at the colon or at the end; `nil` where there is no valid host.
    private static func hostEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let first = bytes.first else { return nil }
        if first == 0x5B { return literalEnd(bytes) }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte == ASCII.colon { return index }
            guard isHostByte(byte) else { return nil }
        }
        return bytes.count
    }

    @inline(__always) private static func isHostByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.dot || byte == 0x2D || byte == 0x5F || byte == 0x7E
    }

    private static func isPort(_ bytes: UnsafeRawBufferPointer, from colon: Int) -> Bool {
        guard bytes[colon] == ASCII.colon, bytes.count - colon <= 6 else { return false }
        return (colon + 1..<bytes.count).allSatisfy { ASCII.isDigit(bytes[$0]) } && port(bytes, from: colon) <= 65535
    }

    private static func port(_ bytes: UnsafeRawBufferPointer, from colon: Int, isHTTPS: Bool = false) -> Int {
        guard colon + 1 < bytes.count else { return isHTTPS ? 443 : 80 }
        return bytes[(colon + 1)...].reduce(0) { $0 &* 10 &+ Int($1 &- ASCII.zero) }
    }

    /// Where an IP literal ends, behind its bracket; `nil` where it is not an address of IPv6 (RFC 3986 §3.2.2).
    private static func literalEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let bracket = bytes.firstIndex(of: 0x5D), isIPv6(bytes[1..<bracket]) else { return nil }
        guard bracket + 1 == bytes.count || bytes[bracket + 1] == ASCII.colon else { return nil }
        return bracket + 1
    }

    /// Whether `bytes` are eight groups of one to four digits, or fewer with one `::`, the last two perhaps dotted.
    private static func isIPv6(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        var groups = 0
        var hasGap = false
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index...].starts(with: [ASCII.colon, ASCII.colon]) {
                guard !hasGap else { return false }
                hasGap = true
                index += 2
                continue
            }
            if groups > 0, bytes[index - 1] != ASCII.colon {
                guard bytes[index] == ASCII.colon else { return false }
                index += 1
            }
            let end = bytes[index...].firstIndex(of: ASCII.colon) ?? bytes.endIndex
            let group = bytes[index..<end]
            if end == bytes.endIndex, isIPv4(group) {
                groups += 2
            } else {
                guard (1...4).contains(group.count), group.allSatisfy({ ASCII.hexValue($0) != nil }) else {
                    return false
                }
                groups += 1
            }
            index = end
        }
        return hasGap ? groups <= 7 : groups == 8
    }

    /// Whether `bytes` are four decimal numbers of at most 255, without leading zeros, with dots between.
    private static func isIPv4(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        let parts = bytes.split(separator: ASCII.dot, omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(ASCII.isDigit) else { return false }
                guard part.count == 1 || part.first != ASCII.zero else { return false }
                return part.reduce(0) { $0 &* 10 &+ Int($1 &- ASCII.zero) } <= 255
            }
    }
}
