extension Configuration {
    /// Which endpoints of an upstream are out.
    public struct Health: Equatable, Sendable {
        /// What their answers say; `nil`: nothing.
        public var passive: PassiveHealth? = PassiveHealth()

        /// What they are asked; `nil`: nothing.
        public var active: ActiveHealth?

        /// The least part of them, in percent, that has to be in: with fewer, health is ignored.
        public var panic: Located<Int> = .unwritten(50)
    }

    /// When an endpoint is out for what became of its requests.
    public struct PassiveHealth: Equatable, Sendable {
        /// So many failures in a row; `nil`: they do not matter.
        public var failures: Located<Int?> = .unwritten(5)

        /// So many failures in percent of the requests in the window; `nil`: they do not matter.
        public var errorRate: Located<Int?> = .unwritten(nil)

        /// What `errorRate` looks at.
        public var window: Located<Duration> = .unwritten(.seconds(10))

        /// Requests that the window has at least before its rate says anything.
        public var requests: Located<Int> = .unwritten(20)

        /// How long an endpoint is out the first time; twice as long each time in a row.
        public var eject: Located<Duration> = .unwritten(.seconds(10))

        /// The longest that it is out.
        public var ejectMost: Located<Duration> = .unwritten(.seconds(300))
    }

    /// How endpoints are asked for their health.
    public struct ActiveHealth: Equatable, Sendable {
        /// The path of a GET; `nil`: only a connection is made.
        public var path: Located<String>?

        /// Its Host; `nil`: the endpoint's.
        public var host: Located<String>?

        /// The statuses that are well.
        public var statuses: [Located<StatusRange>] = [.unwritten(StatusRange(range: 200...399))]

        /// What the body of a good answer has in it.
        public var body: Located<String>?

        /// From one probe to the next.
        public var interval: Located<Duration> = .unwritten(.seconds(5))

        /// How long an answer may take.
        public var timeout: Located<Duration> = .unwritten(.seconds(2))

        /// So many good answers in a row bring an endpoint back.
        public var healthy: Located<Int> = .unwritten(2)

        /// So many failures in a row take it out.
        public var unhealthy: Located<Int> = .unwritten(3)
    }

    /// `200`, or `200-299`.
    public struct StatusRange: Hashable, Sendable, CustomStringConvertible {
        public var range: ClosedRange<Int>

        public var description: String {
            range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
        }
    }

    /// When an upstream gets no requests for a while.
    public struct Breaker: Equatable, Sendable {
        /// So many failures in percent of the requests in the window.
        public var errorRate: Located<Int> = .unwritten(50)

        /// What `errorRate` looks at.
        public var window: Located<Duration> = .unwritten(.seconds(10))

        /// Requests that the window has at least before its rate says anything.
        public var requests: Located<Int> = .unwritten(20)

        /// Until one request is let through to see whether it is well again.
        public var open: Located<Duration> = .unwritten(.seconds(5))
    }

    /// What a request is sent again for.
    public enum RetryCondition: String, CaseIterable, Sendable {
        case connect
        case reset
        case timeout
        case badGateway = "502"
        case unavailable = "503"
        case gatewayTimeout = "504"
    }

    /// When a request is sent again, when all has been decided.
    public struct Retries: Equatable, Sendable {
        /// Tries after the first, at most.
        public var attempts = 2

        /// What is tried again.
        public var on: [RetryCondition] = [.connect, .reset]

        /// The longest pause before the first retry, twice as long before the next.
        public var backoff: Duration = .milliseconds(25)

        /// Whether requests with effects are tried again too.
        public var anyMethod = false

        /// Retries in percent of the upstream's requests.
        public var budget = 20

        public init() {}
    }

    /// What one place of the file says of retries; `nil` is "not said here".
    public struct RetryOverrides: Equatable, Sendable {
        public var attempts: Located<Int>?
        public var on: Located<[RetryCondition]>?
        public var backoff: Located<Duration>?
        public var anyMethod: Located<Bool>?
        public var budget: Located<Int>?
    }

    /// What is held for slow clients, when all has been decided: sizes in bytes.
    public struct Buffer: Equatable, Sendable {
        /// Of a request's body, before the upstream is asked; 0: it streams.
        public var request = 64 << 10

        /// Of a response's body; 0: as little as can be.
        public var response = 256 << 10

        public init() {}
    }

    /// What one place of the file says of buffers; `nil` is "not said here".
    public struct BufferOverrides: Equatable, Sendable {
        public var request: Located<Int>?
        public var response: Located<Int>?
    }
}

extension Configuration.Upstream {
    /// When requests are sent again: what the route says, else the upstream, else the default.
    public func retries(of route: Configuration.Route?) -> Configuration.Retries {
        var result = Configuration.Retries()
        retries.apply(to: &result)
        route?.retries.apply(to: &result)
        return result
    }

    /// What is held for slow clients: what the route says, else the upstream, else the default.
    public func buffer(of route: Configuration.Route?) -> Configuration.Buffer {
        var result = Configuration.Buffer()
        buffer.apply(to: &result)
        route?.buffer.apply(to: &result)
        return result
    }
}

extension Configuration.RetryOverrides {
    func apply(to retries: inout Configuration.Retries) {
        if let attempts { retries.attempts = attempts.value }
        if let on { retries.on = on.value }
        if let backoff { retries.backoff = backoff.value }
        if let anyMethod { retries.anyMethod = anyMethod.value }
        if let budget { retries.budget = budget.value }
    }
}

extension Configuration.BufferOverrides {
    func apply(to buffer: inout Configuration.Buffer) {
        if let request { buffer.request = request.value }
        if let response { buffer.response = response.value }
    }
}
