internal import PenstockBytes
internal import PenstockPatterns

extension Address {
    /// Reads `HOST:PORT`, `:PORT`, `[v6]:PORT` or `unix:PATH`.
    ///
    /// - Parameters:
    ///   - text: as written.
    ///   - resolve: makes a path of the file one of the machine.
    /// - Returns: the address.
    /// - Throws: ``Complaint``.
    static func parse(_ text: String, resolve: (String) -> String = { $0 }) throws(Complaint) -> Address {
        if text.hasPrefix("unix:") {
            let path = try Kind.visible(String(text.dropFirst(5)))
            let resolved = resolve(path)
            // sun_path has 108 bytes, the last of which is 0.
            guard resolved.utf8.count < 108 else {
                throw Complaint("is too long for a unix socket: at most 107 bytes with the folder of this file")
            }
            return .unix(resolved)
        }
        guard !text.contains("://") else { throw Complaint("is a URL, not an address", hint: "write HOST:PORT") }
        let (host, port) = try split(text, "an address", hint: hint(text))
        guard let port else { throw Complaint("is not an address: it has no port", hint: hint(text)) }
        return host.isEmpty ? .any(port: port) : .host(try Host.parse(host), port: port)
    }

    private static func hint(_ text: String) -> String? {
        if UInt16(text) != nil { return "write ':\(text)'" }
        if text.hasPrefix("*:") { return "write '\(text.dropFirst())'" }
        if let colon = text.lastIndex(of: ":"), let address = IPAddress(text[..<colon]),
            let port = UInt16(text[text.index(after: colon)...])
        {
            return "write '\(Host.ip(address).bracketed):\(port)'"
        }
        if let address = IPAddress(text) { return "write '\(Host.ip(address).bracketed):8080'" }
        return "write HOST:PORT, ':PORT', '[IPV6]:PORT' or 'unix:PATH'"
    }

    /// Cuts the port off; `nil` where there is none.
    fileprivate static func split(
        _ text: String,
        _ what: String,
        hint: String?
    ) throws(Complaint) -> (host: String, port: UInt16?) {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw Complaint("has '[' without ']'") }
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw Complaint("is not \(what)", hint: hint) }
            return (String(text[...close]), rest.isEmpty ? nil : try port(rest.dropFirst()))
        }
        let pieces = text.split(separator: ":", omittingEmptySubsequences: false)
        guard pieces.count <= 2 else {
            throw Complaint("is not \(what): IPv6 addresses stand in brackets", hint: hint)
        }
        guard pieces.count == 2 else { return (text, nil) }
        guard pieces[0] != "*" else { throw Complaint("is not \(what)", hint: hint) }
        return (String(pieces[0]), try port(pieces[1]))
    }

    private static func port(_ text: Substring) throws(Complaint) -> UInt16 {
        guard !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit), let port = UInt16(text) else {
            throw Complaint("has no valid port: '\(String(text).excerpt)' is not a number of 0 to 65535")
        }
        return port
    }
}

extension Host {
    /// Reads the host of an address.
    fileprivate static func parse(_ text: String) throws(Complaint) -> Host {
        do throws(PatternError) {
            return try Host(parsing: text)
        } catch {
            throw Complaint(error)
        }
    }
}

extension AddressRange {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or one address.
    static func parse(_ text: String) throws(Complaint) -> AddressRange {
        let pieces = text.split(separator: "/", omittingEmptySubsequences: false)
        guard pieces.count <= 2, let address = IPAddress(pieces[0]) else {
            throw Complaint("is not an address or a range of them", hint: "write '10.0.0.0/8' or '::1'")
        }
        let longest = address.isIPv4 ? 32 : 128
        guard pieces.count == 2 else { return AddressRange(of: address, prefix: longest) }
        let digits = pieces[1]
        guard !digits.isEmpty, digits.utf8.allSatisfy(ASCII.isDigit), let prefix = Int(digits), prefix <= longest else {
            throw Complaint("has no valid prefix length: 0 to \(longest)")
        }
        let range = AddressRange(of: address, prefix: prefix)
        guard range.base == address else {
            throw Complaint("has bits set after its prefix", hint: "write '\(range)'")
        }
        return range
    }
}

extension Configuration.Endpoint {
    /// Reads `http://HOST:PORT` or `unix:PATH`.
    ///
    /// - Parameters:
    ///   - text: as written.
    ///   - resolve: makes a path of the file one of the machine.
    /// - Returns: the endpoint, with a weight of 1.
    /// - Throws: ``Complaint``.
    public static func parse(
        _ text: String,
        resolve: (String) -> String = { $0 }
    ) throws(Complaint) -> Configuration.Endpoint {
        if text.hasPrefix("unix:"), case .unix(let path) = try Address.parse(text, resolve: resolve) {
            return Configuration.Endpoint(place: .unix(path))
        }
        guard let colon = text.range(of: "://") else {
            throw Complaint("is not an endpoint: it has no scheme", hint: "write 'http://\(text)'")
        }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "http" else {
            let reason = scheme == "https" ? "not supported in this version" : "unknown"
            throw Complaint("has the scheme '\(scheme.excerpt)', which is \(reason): http and unix only")
        }
        var rest = text[colon.upperBound...]
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.contains("@") else { throw Complaint("has a user name, which an endpoint cannot have") }
        guard !rest.contains(where: { "/?#".contains($0) }) else {
            throw Complaint("has a path, which an endpoint cannot have", hint: "use 'rewrite' in the route")
        }
        let (host, port) = try Address.split(String(rest), "an endpoint", hint: "write 'http://HOST:PORT'")
        guard !host.isEmpty else { throw Complaint("has no host") }
        guard port != 0 else { throw Complaint("has port 0, where nothing answers") }
        return Configuration.Endpoint(place: .http(try Host.parse(host), port: port ?? 80))
    }
}

extension Configuration.HostField {
    /// Reads `keep`, `endpoint`, or a host with a port or without.
    static func parse(_ text: String) throws(Complaint) -> Configuration.HostField {
        if text == "keep" { return .keep }
        if text == "endpoint" { return .endpoint }
        guard !text.contains("/") else { throw Complaint("is not a host", hint: "write the name alone") }
        let (host, port) = try Address.split(text, "a host", hint: "write HOST or HOST:PORT")
        let name = try Host.parse(host).bracketed
        return .text(port.map { "\(name):\($0)" } ?? name)
    }
}

extension String {
    /// The first place of `piece`.
    fileprivate func range(of piece: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(piece) {
                return start..<index(start, offsetBy: piece.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
