public import Glibc

/// Where a socket listens or connects to: IPv4, IPv6 or a path.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The kinds of address.
    public enum Family: UInt8, Sendable { case ipv4, ipv6, unix }

    /// Which kind it is.
    public let family: Family

    /// The address in network order: 4 bytes, 16 bytes, or the bytes of the path.
    public let bytes: [UInt8]

    /// 0...65535; 0 for a path.
    public let port: UInt16

    /// The interface of a link-local IPv6 address, or 0.
    public let scope: UInt32

    /// An IPv4 address.
    public init(ipv4 bytes: [UInt8], port: UInt16) {
        precondition(bytes.count == 4)
        self.init(family: .ipv4, bytes: bytes, port: port, scope: 0)
    }

    /// An IPv6 address.
    public init(ipv6 bytes: [UInt8], port: UInt16, scope: UInt32 = 0) {
        precondition(bytes.count == 16)
        self.init(family: .ipv6, bytes: bytes, port: port, scope: scope)
    }

    /// The path of a unix socket, at most 107 bytes; `nil` when it is longer or empty.
    public init?(path: String) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < 108, !bytes.contains(0) else { return nil }
        self.init(family: .unix, bytes: bytes, port: 0, scope: 0)
    }

    /// That of a unix socket which has no path, as those of clients.
    public static let unnamed = SocketAddress(family: .unix, bytes: [], port: 0, scope: 0)

    private init(family: Family, bytes: [UInt8], port: UInt16, scope: UInt32) {
        self.family = family
        self.bytes = bytes
        self.port = port
        self.scope = scope
    }

    /// Reads what the kernel filled in.
    ///
    /// An IPv4 client of an IPv6 socket (`::ffff:a.b.c.d`) becomes the IPv4 address that it is.
    public init?(_ storage: borrowing sockaddr_storage, length: socklen_t) {
        var storage = copy storage
        let family = Int32(storage.ss_family)
        let parsed: SocketAddress? = withUnsafeBytes(of: &storage) { raw in
            switch family {
            case AF_INET:
                return SocketAddress(ipv4: Array(raw[4..<8]), port: Self.port(raw))
            case AF_INET6:
                let scope = raw.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
                return SocketAddress(ipv6: Array(raw[8..<24]), port: Self.port(raw), scope: scope).unmapped
            case AF_UNIX:
                let path = raw[2..<max(2, Int(length))].prefix { $0 != 0 }
                return SocketAddress(family: .unix, bytes: Array(path), port: 0, scope: 0)
            default:
                return nil
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func port(_ raw: UnsafeRawBufferPointer) -> UInt16 { UInt16(raw[2]) << 8 | UInt16(raw[3]) }

    /// The IPv4 address that an IPv6 one stands for (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2); any other as it is.
    public var unmapped: SocketAddress {
        guard family == .ipv6, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else {
            return self
        }
        return SocketAddress(ipv4: Array(bytes[12...]), port: port)
    }

    /// The same address with another port.
    public func with(port: UInt16) -> SocketAddress {
        SocketAddress(family: family, bytes: bytes, port: port, scope: scope)
    }

    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    public var domain: Int32 {
        switch family {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the address as system calls want it.
    public func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { fill($0) }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    private func fill(_ raw: UnsafeMutableRawBufferPointer) -> socklen_t {
        raw.storeBytes(of: sa_family_t(domain), as: sa_family_t.self)
        let start: Int
        switch family {
        case .unix:
            raw[2..<2 + bytes.count].copyBytes(from: bytes)
            return socklen_t(3 + bytes.count)
        case .ipv4: start = 4
        case .ipv6: start = 8
        }
        raw[2] = UInt8(port >> 8)
        raw[3] = UInt8(port & 0xFF)
        raw[start..<start + bytes.count].copyBytes(from: bytes)
        if family == .ipv6 { raw.storeBytes(of: scope, toByteOffset: 24, as: UInt32.self) }
        return socklen_t(family == .ipv4 ? 16 : 28)
    }

    /// The address without the port: `127.0.0.1`, `::1`, `unix:/run/x.sock`.
    public var host: String {
        if family == .unix { return "unix:" + String(decoding: bytes, as: UTF8.self) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            bytes.withUnsafeBytes { raw in
                guard let result = inet_ntop(domain, raw.baseAddress, text.baseAddress, 64) else { return "?" }
                return String(cString: result)
            }
        }
    }

    /// `127.0.0.1:80`, `[::1]:80`, `unix:/run/x.sock`.
    public var description: String {
        switch family {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        case .unix: host
        }
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        switch family {
        case .ipv4: bytes[0] == 127
        case .ipv6: bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
        case .unix: true
        }
    }
}

extension SocketAddress {
    /// Reads an address as text, without a port: `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`; `nil` for anything else.
    public init?(literal text: [UInt8], port: UInt16 = 0) {
        var text = text
        if text.first == 0x5B, text.last == 0x5D { text = Array(text.dropFirst().dropLast()) }
        guard text.count < 64, !text.contains(0) else { return nil }
        let string = String(decoding: text, as: UTF8.self)
        var raw = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, string, &raw) == 1 {
            self.init(ipv4: Array(raw.prefix(4)), port: port)
        } else if inet_pton(AF_INET6, string, &raw) == 1 {
            self.init(ipv6: raw, port: port)
        } else {
            return nil
        }
    }
}
