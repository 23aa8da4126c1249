internal import PenstockBytes

/// One entry of a route's `hosts`: a whole name, or `*.` and the end of one.
public struct HostPattern: Hashable, Sendable {
    /// The name in lower case, without a final dot; for a wildcard, what follows `*.`.
    public let name: [UInt8]

    /// Whether one or more labels stand before ``name``.
    public let isWildcard: Bool

    /// Why a text is no host pattern, in words for the person who wrote it.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// Reads `example.com`, `*.example.com`, `127.0.0.1` or `[::1]`.
    ///
    /// - Parameter text: the host, without a port.
    /// - Throws: ``Problem``, which says what is wrong with it.
    public init(parsing text: String) throws(Problem) {
        var name = text.utf8.map(ASCII.lowercased)
        isWildcard = name.starts(with: "*.".utf8)
        if isWildcard { name.removeFirst(2) }
        if name.last == ASCII.dot { name.removeLast() }
        if name.first == UInt8(ascii: "[") {
            guard !isWildcard, name.last == UInt8(ascii: "]"), name.count > 3 else {
                throw Problem(
                    description: "'\(text)' is no host: an IPv6 address is written as '[::1]', without a port"
                )
            }
            self.name = name
            return
        }
        guard !name.contains(UInt8(ascii: "*")) else {
            throw Problem(
                description:
                    "'*' stands alone before the first dot, as in '*.example.com'; for any host leave 'hosts' out"
            )
        }
        guard !name.contains(ASCII.colon) else {
            throw Problem(description: "a host is matched without its port; use 'listeners' to tell ports apart")
        }
        let labels = name.split(separator: ASCII.dot, omittingEmptySubsequences: false)
        guard labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isHostByte) }) else {
            throw Problem(description: "'\(text)' is no host name")
        }
        self.name = name
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    /// Whether a host, in lower case and without port and final dot, is one of those meant.
    func matches(_ host: some BidirectionalCollection<UInt8>) -> Bool {
        guard isWildcard else { return host.elementsEqual(name) }
        let prefix = host.count - name.count
        guard prefix > 1, host.suffix(name.count).elementsEqual(name) else { return false }
        return host.dropLast(name.count).last == ASCII.dot
    }
}

extension HostPattern: CustomStringConvertible {
    public var description: String { (isWildcard ? "*." : "") + String(decoding: name, as: UTF8.self) }
}
