import PenstockBytes
package import PenstockNetworking

/// What a proxy says of its client before the client's own bytes: the header of the PROXY protocol, versions 1 and 2.
///
/// <https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>; what is strict there is strict here.
package struct ProxyHeader: Equatable {
    /// Whom the connection is for.
    package enum Source: Equatable {
        /// The proxy itself, which looks whether we are there.
        case proxy
        /// A client of the proxy.
        case client(SocketAddress)
        /// A client that the proxy cannot name.
        case unnamed
    }

    /// Whom the connection is for.
    package let source: Source

    /// Its bytes; what follows them is the client's.
    package let length: Int

    /// The longest line of version 1, with its line end (section 2.1).
    private static let lineLimit = 107

    /// The longest header of version 2 that is read, its TLVs included; the format has room for 65,551 bytes.
    private static let binaryLimit = 4096

    /// Reads the header at the beginning of `bytes`.
    ///
    /// - Parameter bytes: everything that has come.
    /// - Returns: the header; `nil` while it is not whole.
    /// - Throws: ``MalformedProxyHeader``, as soon as no further byte could make it one.
    package static func parse(_ bytes: RawSpan) throws(MalformedProxyHeader) -> ProxyHeader? {
        try bytes.withUnsafeBytes { bytes throws(MalformedProxyHeader) in
            guard let first = bytes.first else { return nil }
            return first == signature[0] ? try parseBinary(bytes) : try parseLine(bytes)
        }
    }

    // MARK: Version 1 (section 2.1)

    private static let lineStart = Array("PROXY ".utf8)

    /// `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`, or `PROXY UNKNOWN` and anything.
    private static func parseLine(_ bytes: UnsafeRawBufferPointer) throws(MalformedProxyHeader) -> ProxyHeader? {
        guard bytes.prefix(lineStart.count).elementsEqual(lineStart.prefix(bytes.count)) else {
            throw MalformedProxyHeader()
        }
        guard let end = bytes.prefix(lineLimit).firstIndex(of: ASCII.lineFeed) else {
            if bytes.count >= lineLimit { throw MalformedProxyHeader() }
            return nil
        }
        guard bytes[end - 1] == ASCII.carriageReturn else { throw MalformedProxyHeader() }
        let words = bytes[lineStart.count..<end - 1].split(separator: ASCII.space, omittingEmptySubsequences: false)
        if words[0].elementsEqual("UNKNOWN".utf8) { return ProxyHeader(source: .unnamed, length: end + 1) }
        guard words.count == 5, let family = family(words[0]) else { throw MalformedProxyHeader() }
        guard let port = port(words[3]), Self.port(words[4]) != nil,
            let source = address(words[1], family, port), address(words[2], family, 0) != nil
        else { throw MalformedProxyHeader() }
        return ProxyHeader(source: .client(source.unmapped), length: end + 1)
    }

    private static func family(_ word: Slice<UnsafeRawBufferPointer>) -> SocketAddress.Family? {
        if word.elementsEqual("TCP4".utf8) { return .ipv4 }
        return word.elementsEqual("TCP6".utf8) ? .ipv6 : nil
    }

    private static func address(
        _ word: Slice<UnsafeRawBufferPointer>,
        _ family: SocketAddress.Family,
        _ port: UInt16
    ) -> SocketAddress? {
        guard word.first != 0x5B, let address = SocketAddress(literal: Array(word), port: port) else {
            return nil
        }
        return address.family == family ? address : nil
    }

    /// Decimal, without leading zeros.
    private static func port(_ word: Slice<UnsafeRawBufferPointer>) -> UInt16? {
        guard (1...5).contains(word.count), word.allSatisfy(ASCII.isDigit), word.count == 1 || word.first != ASCII.zero
        else { return nil }
        return UInt16(exactly: word.reduce(0) { $0 * 10 + Int($1 - ASCII.zero) })
    }

    // MARK: Version 2 (section 2.2)

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    private static let fixedLength = 16

    private static func parseBinary(_ bytes: UnsafeRawBufferPointer) throws(MalformedProxyHeader) -> ProxyHeader? {
        guard bytes.prefix(signature.count).elementsEqual(signature.prefix(bytes.count)) else {
            throw MalformedProxyHeader()
        }
        guard bytes.count >= fixedLength else { return nil }
        let (command, family, transport) = (bytes[12], bytes[13] >> 4, bytes[13] & 0xF)
        let length = fixedLength + Int(bytes[14]) << 8 + Int(bytes[15])
        guard command == 0x20 || command == 0x21, length <= binaryLimit else { throw MalformedProxyHeader() }
        // Of the proxy's own connections everything else is ignored.
        if command == 0x20 { return bytes.count < length ? nil : ProxyHeader(source: .proxy, length: length) }
        guard family <= 3, transport <= 2, length >= fixedLength + addressLengths[Int(family)] else {
            throw MalformedProxyHeader()
        }
        guard bytes.count >= length else { return nil }
        guard transport == 1 else { return ProxyHeader(source: .unnamed, length: length) }
        return ProxyHeader(source: source(bytes, family), length: length)
    }

    /// The bytes of both addresses and ports: none, IPv4, IPv6, paths.
    private static let addressLengths = [0, 12, 36, 216]

    private static func source(_ bytes: UnsafeRawBufferPointer, _ family: UInt8) -> Source {
        func port(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]) }
        return switch family {
        case 1: .client(SocketAddress(ipv4: Array(bytes[16..<20]), port: port(24)))
        case 2: .client(SocketAddress(ipv6: Array(bytes[16..<32]), port: port(48)).unmapped)
        default: .unnamed
        }
    }
}

/// What came first on a connection is no header of the PROXY protocol.
package struct MalformedProxyHeader: Error {}
