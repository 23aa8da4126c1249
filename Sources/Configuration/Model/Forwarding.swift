extension Configuration {
    /// What an upstream is told of the client, and of the way that a request has come.
    public struct Forwarding: Equatable, Sendable {
        /// Whether `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` are added.
        public var xForwarded: Located<Bool> = .unwritten(true)

        /// Whether `Forwarded` is added (RFC 7239).
        public var forwarded: Located<Bool> = .unwritten(false)

        /// To which messages `Via` is added (RFC 9110 section 7.6.3).
        public var via: Located<Via> = .unwritten(.none)
    }

    /// Which messages say that they came through the gateway.
    public enum Via: String, CaseIterable, Sendable {
        case none
        /// Requests, as the RFC wants it of a gateway.
        case requests
        /// Requests and responses.
        case both
    }

    /// What the Host field of a request says to its upstream.
    public enum HostField: Equatable, Sendable, CustomStringConvertible {
        /// What the client asked for.
        case keep
        /// The endpoint's own authority.
        case endpoint
        /// A host, and a port where it has one.
        case text(String)

        /// As it is written.
        public var description: String {
            switch self {
            case .keep: "keep"
            case .endpoint: "endpoint"
            case .text(let text): text
            }
        }
    }
}
