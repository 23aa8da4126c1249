extension Configuration {
    /// How much of everything is accepted, when all has been decided: sizes in bytes, `nil` is "no limit".
    public struct Limits: Equatable, Sendable {
        /// The longest request line, line end included (414).
        public var requestLine = 16 << 10

        /// The longest head, request line included (431).
        public var head = 64 << 10

        /// The most fields in a head or in trailers (431).
        public var fields = 200

        /// The longest request body (413).
        public var body: Int?

        /// The most bytes of chunk extensions in a body (413).
        public var chunkExtensions = 4 << 10

        /// The most bytes of pipelined requests kept while one is being answered; more waits in the kernel.
        public var pipeline = 64 << 10

        /// The most client connections; then idle ones go first, then new ones get 503.
        public var connections: Int?

        /// The most client connections of one address.
        public var connectionsPerAddress: Int?

        /// The most bytes of collected bodies in the whole process (503).
        public var buffered = 256 << 20

        public init() {}
    }

    /// The limits that one place of the file sets; `nil` is "not set here", a value of `nil` is `none`.
    ///
    /// A listener sets all but `buffered`; a route sets `body` alone, because the rest is decided before it is known. The
    /// connections of a listener are counted on top of those of the process: both limits hold.
    public struct LimitOverrides: Equatable, Sendable {
        public var requestLine: Located<Int>?
        public var head: Located<Int>?
        public var fields: Located<Int>?
        public var body: Located<Int?>?
        public var chunkExtensions: Located<Int>?
        public var pipeline: Located<Int>?
        public var connections: Located<Int?>?
        public var connectionsPerAddress: Located<Int?>?
        public var buffered: Located<Int>?
    }

    /// How long a client may be silent, when all has been decided.
    public struct Timeouts: Equatable, Sendable {
        /// From a request's first byte to the end of its head (408).
        public var head: Duration = .seconds(10)

        /// Silence inside a request body (408).
        public var body: Duration = .seconds(30)

        /// The least rate of a request body, in bytes a second, over 10 seconds (408); 0: any.
        public var bodyRate = 240

        /// Silence between two requests of a connection.
        public var idle: Duration = .seconds(60)

        /// How long a client may take nothing of an answer that waits for it.
        public var write: Duration = .seconds(30)

        public init() {}
    }

    /// The timeouts that one place of the file sets; `nil` is "not set here".
    ///
    /// A listener sets them all; a route sets `body`, `body_rate` and `write`: the others end before it is known.
    public struct TimeoutOverrides: Equatable, Sendable {
        public var head: Located<Duration>?
        public var body: Located<Duration>?
        public var bodyRate: Located<Int>?
        public var idle: Located<Duration>?
        public var write: Located<Duration>?
    }

    /// The limits that hold for a request: what its route says, else its listener, else the process, else the default.
    ///
    /// - Parameters:
    ///   - listener: where the client connected; `nil`: what holds for the process.
    ///   - route: the route chosen; `nil`: what holds before one is.
    /// - Returns: a value for every limit.
    public func limits(of listener: Listener?, _ route: Route? = nil) -> Limits {
        var result = Limits()
        limits.apply(to: &result)
        listener?.limits.apply(to: &result)
        route?.limits.apply(to: &result)
        return result
    }

    /// The timeouts that hold for a request: what its route says, else its listener, else the process, else the default.
    ///
    /// - Parameters:
    ///   - listener: where the client connected; `nil`: what holds for the process.
    ///   - route: the route chosen; `nil`: what holds before one is.
    /// - Returns: a value for every timeout.
    public func timeouts(of listener: Listener?, _ route: Route? = nil) -> Timeouts {
        var result = Timeouts()
        timeouts.apply(to: &result)
        listener?.timeouts.apply(to: &result)
        route?.timeouts.apply(to: &result)
        return result
    }
}

extension Configuration.LimitOverrides {
    func apply(to limits: inout Configuration.Limits) {
        if let requestLine { limits.requestLine = requestLine.value }
        if let head { limits.head = head.value }
        if let fields { limits.fields = fields.value }
        if let body { limits.body = body.value }
        if let chunkExtensions { limits.chunkExtensions = chunkExtensions.value }
        if let pipeline { limits.pipeline = pipeline.value }
        if let connections { limits.connections = connections.value }
        if let connectionsPerAddress { limits.connectionsPerAddress = connectionsPerAddress.value }
        if let buffered { limits.buffered = buffered.value }
    }
}

extension Configuration.TimeoutOverrides {
    func apply(to timeouts: inout Configuration.Timeouts) {
        if let head { timeouts.head = head.value }
        if let body { timeouts.body = body.value }
        if let bodyRate { timeouts.bodyRate = bodyRate.value }
        if let idle { timeouts.idle = idle.value }
        if let write { timeouts.write = write.value }
    }
}
