/// Which name servers are asked, and how patiently.
public struct ResolverSettings: Equatable, Sendable {
    /// The name servers, asked in this order; none: those of ``file``.
    public var servers: [SocketAddress] = []

    /// Nanoseconds until the next server is asked, or the only one again; doubled when all of them have been silent.
    public var timeout: Int64 = 2_000_000_000

    /// How often each server is asked, at least once.
    public var tries = 3

    /// Where servers, search domains and `ndots` are written down (resolv.conf(5)); read anew for each question.
    public var file = "/etc/resolv.conf"

    /// What the system's administrator has settled.
    public init() {}
}
