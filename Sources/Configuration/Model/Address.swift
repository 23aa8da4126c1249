public import PenstockPatterns

/// Where to listen.
public enum Address: Hashable, Sendable, CustomStringConvertible {
    /// `HOST:PORT`; port 0 is any free one.
    case host(Host, port: UInt16)
    /// `:PORT`, IPv4 and IPv6 at once.
    case any(port: UInt16)
    /// `unix:PATH`, resolved against the configuration's folder.
    case unix(String)

    /// As it may be written.
    public var description: String {
        switch self {
        case .host(let host, let port): "\(host.bracketed):\(port)"
        case .any(let port): ":\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The port; a unix socket has none.
    public var port: UInt16? {
        switch self {
        case .host(_, let port), .any(let port): port
        case .unix: nil
        }
    }
}
