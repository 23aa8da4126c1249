public import PenstockPatterns

extension Configuration {
    /// A service that requests are forwarded to.
    public struct Upstream: Equatable, Sendable {
        /// Unique among upstreams.
        public var name: Located<String>

        /// Where it is, in the file's order; empty only where endpoints register themselves.
        public var endpoints: [Located<Endpoint>]

        /// Which endpoints may register themselves; `nil`: none.
        public var registration: Registration?

        /// Which endpoint gets a request.
        public var balance: Located<Balance> = .unwritten(.roundRobin)

        /// The cookie that keeps a client with its endpoint.
        public var sticky: Sticky?

        /// In which time an endpoint that has come (back) gets more and more of its share; `nil`: all of it at once.
        public var slowStart: Located<Duration?> = .unwritten(nil)

        /// Which endpoints are out.
        public var health = Health()

        /// How long it may be silent.
        public var timeouts = UpstreamTimeouts()

        /// How connections to it are kept.
        public var keepalive = Keepalive()

        /// When a request is sent again.
        public var retries = RetryOverrides()

        /// What is held for slow clients.
        public var buffer = BufferOverrides()

        /// The most requests that it gets at a time; `nil`: any number.
        public var concurrency: Located<Int?> = .unwritten(nil)

        /// How requests over `concurrency` wait.
        public var queue = Queue(length: .unwritten(100))

        /// When it gets no requests for a while; `nil`: never.
        public var breaker: Breaker?

        /// What the Host field of its requests says.
        public var host: Located<HostField> = .unwritten(.keep)

        /// What its requests say of where they come from.
        public var forwarding = Forwarding()
    }

    /// One place where an upstream answers, and its share of the requests.
    public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
        public var place: Place

        /// 1...1000, in relation to the others'.
        public var weight = 1

        /// Where an endpoint is.
        public enum Place: Hashable, Sendable, CustomStringConvertible {
            /// `http://HOST:PORT`.
            case http(Host, port: UInt16)
            /// `unix:PATH`, resolved against the file's folder.
            case unix(String)
            /// The name of SRV records, which say where.
            case srv(String)

            /// `http://127.0.0.1:3000`, the port always written; `unix:/run/shop.sock`; `srv:_http._tcp.shop`.
            public var description: String {
                switch self {
                case .http(let host, let port): "http://\(host.bracketed):\(port)"
                case .unix(let path): "unix:\(path)"
                case .srv(let name): "srv:\(name)"
                }
            }
        }

        /// Its place, and its weight where that is not 1.
        public var description: String { weight == 1 ? "\(place)" : "\(place) (weight \(weight))" }

        /// What the Host field says of it: the port only where it is not 80.
        public var authority: String {
            switch place {
            case .http(let host, let port): port == 80 ? host.bracketed : "\(host.bracketed):\(port)"
            case .unix: "localhost"
            case .srv(let name): name
            }
        }
    }

    /// Which endpoints may register themselves over the admin API, and for how long.
    public struct Registration: Equatable, Sendable {
        /// Where they may be; never empty.
        public var networks: [Located<AddressRange>] = []

        /// How long one is there without saying so again, at most.
        public var ttl: Located<Duration> = .unwritten(.seconds(30))

        /// How many there may be at a time.
        public var max: Located<Int> = .unwritten(100)
    }

    /// Which endpoint gets a request.
    public enum Balance: Equatable, Sendable {
        /// One after the other, each as often as its weight says.
        case roundRobin
        /// That with the fewest requests, in relation to its weight.
        case leastRequests
        /// Of two that chance picks, that with fewer requests.
        case randomTwo
        /// The same for the same key, as long as it is there.
        case hash(HashKey)
    }

    /// What of a request decides where it goes.
    public enum HashKey: Equatable, Sendable {
        /// A field, by its name in lower case.
        case header(String)
        case cookie(String)
        /// A parameter of the query.
        case query(String)
        case clientAddress
    }

    /// The cookie that keeps a client with its endpoint.
    public struct Sticky: Equatable, Sendable {
        /// Its name.
        public var cookie: Located<String>

        /// How long it lives; `nil`: as long as the browser's session.
        public var age: Located<Duration?> = .unwritten(nil)
    }

    /// How long an upstream may be silent.
    public struct UpstreamTimeouts: Equatable, Sendable {
        /// Until a connection stands (504).
        public var connect: Located<Duration> = .unwritten(.seconds(2))

        /// From the end of the request to the first byte of the answer (504).
        public var firstByte: Located<Duration> = .unwritten(.seconds(30))

        /// Silence inside an answer or between two steps of a stream (504).
        public var idle: Located<Duration> = .unwritten(.seconds(60))

        /// One try, until the head of its answer is there (504); `nil`: no limit of its own.
        public var perTry: Located<Duration?> = .unwritten(nil)
    }

    /// How connections to an upstream are kept.
    public struct Keepalive: Equatable, Sendable {
        /// The most idle connections, for each loop and each address of an endpoint; 0: none are kept.
        public var connections: Located<Int> = .unwritten(128)

        /// How long an idle one is kept.
        public var idle: Located<Duration> = .unwritten(.seconds(60))

        /// How long the service itself keeps an idle connection; `nil`: nobody has said so.
        public var service: Located<Duration?> = .unwritten(nil)
    }
}
