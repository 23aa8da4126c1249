/// What an upstream is told of the client, and of the way that a request has come.
public struct Forwarding: Equatable, Sendable {
    /// What the Host field says.
    public enum Host: Equatable, Sendable {
        /// What the client asked for.
        case keep
        /// The endpoint's own authority.
        case endpoint
        /// These bytes.
        case text([UInt8])
    }

    /// Whether `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` are added.
    public var xForwarded = true

    /// Whether `Forwarded` is added.
    public var forwarded = false

    /// Whether requests get a `Via`.
    public var via = false

    /// Whether responses get one.
    public var viaOfResponses = false

    /// What the Host field says, where no route has set it.
    public var host = Host.keep

    /// The defaults of the configuration.
    public init() {}
}
