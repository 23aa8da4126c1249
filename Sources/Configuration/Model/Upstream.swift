public import PenstockPatterns

extension Configuration {
    /// A service that requests are forwarded to.
    public struct Upstream: Equatable, Sendable {
        /// Unique among upstreams.
        public var name: Located<String>

        /// Where it is, in the file's order; never empty.
        public var endpoints: [Located<Endpoint>]

        /// How long it may be silent.
        public var timeouts = UpstreamTimeouts()

        /// How connections to it are kept.
        public var keepalive = Keepalive()
    }

    /// `http://HOST:PORT`: one place where an upstream answers.
    public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
        public var host: Host
        public var port: UInt16

        /// `http://127.0.0.1:3000`, the port always written.
        public var description: String { "http://\(host.bracketed):\(port)" }

        /// What the Host field says of it: the port only where it is not 80.
        public var authority: String { port == 80 ? host.bracketed : "\(host.bracketed):\(port)" }
    }

    /// How long an upstream may be silent.
    public struct UpstreamTimeouts: Equatable, Sendable {
        /// Until a connection stands (504).
        public var connect: Located<Duration> = .unwritten(.seconds(2))

        /// From the end of the request to the first byte of the answer (504).
        public var firstByte: Located<Duration> = .unwritten(.seconds(30))

        /// Silence inside an answer or between two steps of a stream (504).
        public var idle: Located<Duration> = .unwritten(.seconds(60))
    }

    /// How connections to an upstream are kept.
    public struct Keepalive: Equatable, Sendable {
        /// The most idle connections, for each loop and each address of an endpoint; 0: none are kept.
        public var connections: Located<Int> = .unwritten(128)

        /// How long an idle one is kept.
        public var idle: Located<Duration> = .unwritten(.seconds(60))
    }
}
