internal import PenstockBytes

/// The hosts that a route takes: exactly one, or everything below a name.
public struct HostPattern: Hashable, Sendable, CustomStringConvertible {
    /// In lower case, without a leading `*.` and without a port: `example.com`, `[::1]`.
    public let name: String

    /// Whether one label or more must stand before the name, and the name alone does not match.
    public let isWildcard: Bool

    private init(name: String, isWildcard: Bool) {
        self.name = name
        self.isWildcard = isWildcard
    }

    /// The wildcards that take everything that this pattern takes, itself left out.
    public var wider: [HostPattern] {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return labels.indices.dropFirst().map {
            HostPattern(name: labels[$0...].joined(separator: "."), isWildcard: true)
        }
    }

    /// `*.example.com`.
    public var description: String { isWildcard ? "*.\(name)" : name }

    /// Reads `shop.example.com`, `*.example.com` or `[::1]`.
    ///
    /// - Parameter text: as the configuration writes it.
    /// - Throws: ``PatternError``.
    public init(parsing text: String) throws(PatternError) {
        if text == "*" { throw PatternError("is not a host", hint: "leave 'hosts' out to take every one") }
        if text.hasPrefix("[") {
            name = try Host(parsing: text).bracketed
            isWildcard = false
            return
        }
        isWildcard = text.hasPrefix("*.")
        let rest = isWildcard ? String(text.dropFirst(2)) : text
        guard !rest.contains("*") else {
            throw PatternError("has '*' elsewhere than in '*.' at its beginning, where alone it is a wildcard")
        }
        guard !rest.contains("/") else { throw PatternError("is not a host", hint: "write the name alone") }
        guard !rest.contains(":") else {
            throw PatternError("has a port; hosts are compared without theirs", hint: "write the name alone")
        }
        name = isWildcard ? try Host.name(rest) : try Host(parsing: rest).bracketed
    }

    /// Whether a host, in lower case and without port and final dot, is one of those meant.
    public func matches(_ host: some BidirectionalCollection<UInt8>) -> Bool {
        guard isWildcard else { return host.elementsEqual(name.utf8) }
        let length = name.utf8.count
        guard host.count > length + 1, host.suffix(length).elementsEqual(name.utf8) else { return false }
        return host.dropLast(length).last == ASCII.dot
    }
}
