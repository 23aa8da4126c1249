public import PenstockHTTP
public import PenstockNetworking

/// What a listener demands of its clients, and who answers them.
///
/// Immutable; one for each listener and loop.
public final class ServerSettings {
    /// The listener's name.
    public let name: String

    /// The listener's place in the configuration.
    public let index: Int

    /// Bounds for heads.
    public let limits: HeadLimits

    /// Whether `//` in a path becomes `/`.
    public let mergeSlashes: Bool

    /// Whether `%2F` in a path is refused.
    public let rejectEncodedSlashes: Bool

    /// The largest request body, in bytes, where a route does not say otherwise.
    public let bodyLimit: Int

    /// Bytes of pipelined requests that are kept while one is under way.
    public let pipelineLimit: Int

    /// The client side's deadlines.
    public let timeouts: ServerTimeouts

    /// The `Server` field of our answers; empty: none.
    public let serverField: UnsafeRawBufferPointer

    /// Whether peers have to say for whom they speak before anything else (the PROXY protocol).
    public let proxyProtocol: Bool

    /// Whether an address may speak for others.
    public let trusts: (SocketAddress) -> Bool

    /// The first handler of every exchange.
    public let handler: any Handler

    /// Told of every exchange that has ended.
    public let recorder: any ExchangeRecorder

    /// Pages for what is answered without a route.
    public let errorPages: ErrorPages?

    /// Counts connections.
    public let metrics: ListenerMetrics?

    /// Puts the settings together.
    public init(
        name: String,
        index: Int,
        limits: HeadLimits,
        mergeSlashes: Bool = false,
        rejectEncodedSlashes: Bool = false,
        bodyLimit: Int = .max,
        pipelineLimit: Int = 65_536,
        timeouts: ServerTimeouts = ServerTimeouts(),
        serverField: String = "penstock",
        proxyProtocol: Bool = false,
        trusts: @escaping (SocketAddress) -> Bool = { _ in false },
        handler: any Handler,
        recorder: any ExchangeRecorder,
        errorPages: ErrorPages? = nil,
        metrics: ListenerMetrics? = nil
    ) {
        self.name = name
        self.index = index
        self.limits = limits
        self.mergeSlashes = mergeSlashes
        self.rejectEncodedSlashes = rejectEncodedSlashes
        self.bodyLimit = bodyLimit
        self.pipelineLimit = pipelineLimit
        self.timeouts = timeouts
        let field = UnsafeMutableRawBufferPointer.allocate(byteCount: serverField.utf8.count, alignment: 1)
        field.copyBytes(from: serverField.utf8)
        self.serverField = UnsafeRawBufferPointer(field)
        self.proxyProtocol = proxyProtocol
        self.trusts = trusts
        self.handler = handler
        self.recorder = recorder
        self.errorPages = errorPages
        self.metrics = metrics
    }

    deinit { serverField.deallocate() }
}

/// The client side's deadlines, in nanoseconds.
public struct ServerTimeouts: Equatable, Sendable {
    /// From the first byte of a head to its last.
    public var head: Int64 = 10_000_000_000

    /// Silence inside a request body.
    public var body: Int64 = 30_000_000_000

    /// Bytes a second that a request body has to bring, over 10 s; 0: no rule.
    public var bodyRate = 240

    /// Between two requests.
    public var idle: Int64 = 60_000_000_000

    /// Without the client taking a byte of what waits for it.
    public var write: Int64 = 30_000_000_000

    /// The defaults of the configuration.
    public init() {}
}

/// The deadlines that a route sets for its clients; `nil`: as the listener says.
public struct RouteTimeouts: Equatable, Sendable {
    /// Nanoseconds of silence inside a request body.
    public var body: Int64?

    /// Bytes a second that a request body has to bring, over 10 s.
    public var bodyRate: Int?

    /// Nanoseconds without the client taking a byte of what waits for it.
    public var write: Int64?

    /// Sets nothing.
    public init() {}

    func applied(to timeouts: ServerTimeouts) -> ServerTimeouts {
        var result = timeouts
        if let body { result.body = body }
        if let bodyRate { result.bodyRate = bodyRate }
        if let write { result.write = write }
        return result
    }
}
