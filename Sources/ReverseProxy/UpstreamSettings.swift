public import PenstockTransport

/// How an upstream is used, by all loops alike.
public struct UpstreamSettings: Sendable, Equatable {
    /// Its name in the configuration.
    public var name: String

    /// Idle connections that a loop keeps to each address, at most.
    public var keepAlive = 128

    /// The deadlines of its connections.
    public var timeouts = ClientTimeouts()

    /// Which endpoint gets a request.
    public var balance = Balance.roundRobin

    /// The cookie that keeps a client with its endpoint.
    public var sticky: StickySettings?

    /// Nanoseconds in which an endpoint that has come (back) gets more and more of its share; 0: all of it at once.
    public var slowStart: Int64 = 0

    /// When an endpoint is out for what its answers were like; `nil`: never.
    public var passive: PassiveHealthSettings? = PassiveHealthSettings()

    /// How endpoints are asked for their health; `nil`: not at all.
    public var active: ActiveHealthSettings?

    /// The least part of the endpoints, in percent, that are in: with fewer, health is ignored.
    public var panic = 50

    /// When no request is sent at all for a while; `nil`: never.
    public var breaker: BreakerSettings?

    /// How many requests it gets at a time; `nil`: any number.
    public var concurrency: ConcurrencyLimit.Settings?

    /// Retries, in percent of its requests.
    public var retryBudget = 20

    /// What it is told of the client and the way.
    public var forwarding = Forwarding()

    /// The settings of the configuration's defaults.
    public init(name: String) { self.name = name }
}

/// How the requests of one route are relayed: what the upstream says, or the route for itself.
public struct RelaySettings: Sendable, Equatable {
    /// When a request is sent again.
    public var retries = RetrySettings()

    /// Bytes of a request body that are collected before the upstream is asked; 0: it streams.
    public var requestBuffer = 65_536

    /// Bytes of a response that are held for a client that is slower than the upstream; 0: as few as can be.
    public var responseBuffer = 262_144

    /// Whether a client that asks for a WebSocket gets one.
    public var allowsWebSocket = false

    /// Nanoseconds that one try may take until the head of its response is there; `nil`: no limit of its own.
    public var perTry: Int64?

    /// The settings of the configuration's defaults.
    public init() {}
}

/// How clients are kept with their endpoints.
public struct StickySettings: Sendable, Equatable {
    /// The cookie's name.
    public var cookie: String

    /// Seconds that it lives; `nil`: as long as the browser's session.
    public var seconds: Int?

    /// A cookie for the browser's session.
    public init(cookie: String, seconds: Int? = nil) {
        self.cookie = cookie
        self.seconds = seconds
    }
}

/// When an endpoint is taken out for what became of its requests.
///
/// A failure is no connection, none or a broken response, a timeout, or the status 502, 503 or 504.
public struct PassiveHealthSettings: Sendable, Equatable {
    /// So many failures in a row; `nil`: they do not matter.
    public var failures: Int? = 5

    /// So many failures in percent of the requests in the window; `nil`: they do not matter.
    public var errorRate: Int?

    /// Nanoseconds of the window.
    public var window: Int64 = 10_000_000_000

    /// Requests that the window has at least before its rate says anything.
    public var requests = 20

    /// Nanoseconds that an endpoint is out the first time; each time in a row it is twice as long.
    public var eject: Int64 = 10_000_000_000

    /// The longest that it is out, in nanoseconds.
    public var ejectMost: Int64 = 300_000_000_000

    /// The defaults of the configuration.
    public init() {}
}

/// How endpoints are asked for their health.
public struct ActiveHealthSettings: Sendable, Equatable {
    /// What is asked.
    public enum Probe: Sendable, Equatable {
        /// Whether a connection can be made.
        case tcp
        /// A GET of this path, with this Host (`nil`: the endpoint's own), and what its answer must be.
        case http(path: String, host: String?, statuses: [ClosedRange<Int>], body: String?)
    }

    /// What is asked.
    public var probe: Probe

    /// Nanoseconds from one probe to the next, give or take a tenth.
    public var interval: Int64 = 5_000_000_000

    /// Nanoseconds that an answer may take.
    public var timeout: Int64 = 2_000_000_000

    /// So many good answers in a row bring an endpoint back.
    public var healthy = 2

    /// So many failures in a row take it out.
    public var unhealthy = 3

    /// A probe with the defaults of the configuration.
    public init(_ probe: Probe) { self.probe = probe }
}

/// When an upstream gets no requests at all for a while.
public struct BreakerSettings: Sendable, Equatable {
    /// So many failures in percent of the requests in the window.
    public var errorRate = 50

    /// Nanoseconds of the window.
    public var window: Int64 = 10_000_000_000

    /// Requests that the window has at least before its rate says anything.
    public var requests = 20

    /// Nanoseconds until one request is let through to see whether it is well again.
    public var open: Int64 = 5_000_000_000

    /// The defaults of the configuration.
    public init() {}
}

/// When a request is sent again.
public struct RetrySettings: Sendable, Equatable {
    /// What may be tried again.
    public struct Conditions: OptionSet, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// No connection.
        public static let connect = Conditions(rawValue: 1)
        /// The connection ended without a byte of a response.
        public static let reset = Conditions(rawValue: 2)
        /// The try took longer than it may.
        public static let timeout = Conditions(rawValue: 4)
        /// The status 502.
        public static let badGateway = Conditions(rawValue: 8)
        /// The status 503.
        public static let unavailable = Conditions(rawValue: 16)
        /// The status 504.
        public static let gatewayTimeout = Conditions(rawValue: 32)
    }

    /// Tries after the first, at most.
    public var attempts = 2

    /// What is tried again.
    public var on: Conditions = [.connect, .reset]

    /// Nanoseconds of the longest pause before the first retry, of twice as many before the next; 0: none.
    public var backoff: Int64 = 25_000_000

    /// Whether requests with effects are tried again too, which may have had them already.
    public var anyMethod = false

    /// The defaults of the configuration.
    public init() {}
}
