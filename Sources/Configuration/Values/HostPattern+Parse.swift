internal import PenstockBytes

extension HostPattern {
    /// Reads `shop.example.com`, `*.example.com` or `[::1]`.
    static func parse(_ text: String) throws(Complaint) -> HostPattern {
        if text == "*" { throw Complaint("is not a host", hint: "leave 'hosts' out to take every one") }
        if text.hasPrefix("[") {
            guard case .ip(let address) = try Host.parse(text) else { throw Complaint("is not a host") }
            return HostPattern(name: Host.ip(address).bracketed, isWildcard: false)
        }
        let isWildcard = text.hasPrefix("*.")
        let rest = isWildcard ? String(text.dropFirst(2)) : text
        guard !rest.contains("*") else {
            throw Complaint("has '*' elsewhere than in '*.' at its beginning, where alone it is a wildcard")
        }
        guard !rest.contains("/") else { throw Complaint("is not a host", hint: "write the name alone") }
        guard !rest.contains(":") else {
            throw Complaint("has a port; hosts are compared without theirs", hint: "write the name alone")
        }
        if let address = IPAddress(rest), !isWildcard {
            return HostPattern(name: address.description, isWildcard: false)
        }
        return HostPattern(name: try name(rest), isWildcard: isWildcard)
    }

    /// Checks a host name (RFC 1123 section 2.1, and `_`, which is found in practice).
    ///
    /// - Parameter text: a name.
    /// - Returns: it in lower case.
    /// - Throws: ``Complaint``.
    static func name(_ text: String) throws(Complaint) -> String {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw Complaint("has letters outside ASCII", hint: "write its form that begins with 'xn--'")
        }
        let labels = text.utf8.split(separator: ASCII.dot, omittingEmptySubsequences: false)
        let isValid = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        }
        guard isValid, text.utf8.count <= 253 else { throw Complaint("is not a valid host name") }
        guard labels.last?.allSatisfy(ASCII.isDigit) == false else {
            throw Complaint("ends in a number and is not an IPv4 address")
        }
        return text.lowercased()
    }
}
