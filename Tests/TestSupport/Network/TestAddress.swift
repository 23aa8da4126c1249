internal import Glibc

/// Where a test connects to.
public enum TestAddress: Hashable, Sendable, CustomStringConvertible {
    /// `127.0.0.1`, or another address of the machine's own.
    case ipv4(String, UInt16)
    /// An IPv6 address without brackets.
    case ipv6(String, UInt16)
    /// The path of a socket.
    case unix(String)

    /// Reads `127.0.0.1:80`, `[::1]:80`, `unix:/path`; a wildcard becomes its family's loopback address.
    init?(announced text: String, in folder: String) {
        if text.hasPrefix("unix:") {
            let path = text.dropFirst(5)
            self = .unix(path.hasPrefix("/") ? String(path) : "\(folder)/\(path)")
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        if host.hasPrefix("[") {
            let address = String(host.dropFirst().dropLast())
            self = .ipv6(address == "::" ? "::1" : address, port)
        } else {
            self = .ipv4(host == "0.0.0.0" ? "127.0.0.1" : String(host), port)
        }
    }

    /// The port of a TCP address.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port): port
        case .unix: nil
        }
    }

    public var description: String {
        switch self {
        case .ipv4(let host, let port): "\(host):\(port)"
        case .ipv6(let host, let port): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    var domain: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the address as system calls want it.
    func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { raw in
            raw.storeBytes(of: sa_family_t(domain), as: sa_family_t.self)
            if let port {
                raw[2] = UInt8(port >> 8)
                raw[3] = UInt8(port & 0xFF)
            }
            switch self {
            case .ipv4(let host, _):
                inet_pton(AF_INET, host, raw.baseAddress! + 4)
                return socklen_t(16)
            case .ipv6(let host, _):
                inet_pton(AF_INET6, host, raw.baseAddress! + 8)
                return socklen_t(28)
            case .unix(let path):
                raw[2..<2 + path.utf8.count].copyBytes(from: path.utf8)
                return socklen_t(3 + path.utf8.count)
            }
        }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
