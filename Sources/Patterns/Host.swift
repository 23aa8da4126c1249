internal import PenstockBytes

/// A host as it stands before a port: a number or a name.
public enum Host: Hashable, Sendable, CustomStringConvertible {
    case ip(IPAddress)
    /// In lower case.
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

    /// Reads a name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// - Parameter text: as the configuration writes it.
    /// - Throws: ``PatternError``.
    public init(parsing text: String) throws(PatternError) {
        if text.hasPrefix("[") {
            let inner = text.dropFirst().dropLast()
            guard text.hasSuffix("]"), let address = IPAddress(inner), inner.contains(":") else {
                let zone = inner.contains("%") ? ": zones are not supported" : ""
                throw PatternError("has no valid IPv6 address in its brackets\(zone)")
            }
            self = .ip(address)
        } else if let address = IPAddress(text), address.isIPv4 {
            self = .ip(address)
        } else {
            self = .name(try Self.name(text))
        }
    }

    /// Checks a host name (RFC 1123 section 2.1, and `_`, which is found in practice).
    ///
    /// - Parameter text: a name.
    /// - Returns: it in lower case.
    /// - Throws: ``PatternError``.
    static func name(_ text: String) throws(PatternError) -> String {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw PatternError("has letters outside ASCII", hint: "write its form that begins with 'xn--'")
        }
        let labels = text.utf8.split(separator: ASCII.dot, omittingEmptySubsequences: false)
        let isValid = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        }
        guard isValid, text.utf8.count <= 253 else { throw PatternError("is not a valid host name") }
        guard labels.last?.allSatisfy(ASCII.isDigit) == false else {
            throw PatternError("ends in a number and is not an IPv4 address")
        }
        return text.lowercased()
    }
}
