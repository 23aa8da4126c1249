public import PenstockHTTP

/// Told how a request to an upstream goes.
///
/// On the loop of its connection.
public protocol ClientStreamObserver: AnyObject {
    /// The connection is there, and the request on its way.
    func connected()

    /// An interim response (1xx) has come.
    func informed(_ head: ResponseHead)

    /// The head of the response has come; valid during the call only.
    func received(_ head: ResponseHead)

    /// Body bytes have come, valid during the call only.
    func received(_ bytes: RawSpan)

    /// The response is whole. The connection is the observer's no longer.
    func receivedEnd(trailers: FieldBlock?)

    /// What ``ClientConnection/write(_:)`` held back has left.
    func writable()

    /// It has failed. The connection is closed, and the observer's no longer.
    func failed(_ failure: ClientFailure)
}

/// Why a request to an upstream failed.
public struct ClientFailure: Error, Sendable {
    /// What went wrong.
    public enum Kind: Sendable, Equatable {
        /// No connection: refused, unreachable, ...
        case connect
        /// No connection, because this machine has no more descriptors, memory or ports: it says nothing of the upstream.
        case exhausted
        /// `timeouts.connect` of the upstream.
        case connectTimeout
        /// `timeouts.first_byte` of the upstream.
        case firstByteTimeout
        /// `timeouts.per_try` of the upstream.
        case perTryTimeout
        /// `timeouts.idle` of the upstream: silence inside its response.
        case idleTimeout
        /// The upstream closed or reset the connection.
        case closed
        /// The upstream's answer is not HTTP.
        case malformed
    }

    /// What went wrong.
    public let kind: Kind

    /// For the log: the system's error, the timer, the rule that was broken.
    public let reason: String

    /// Whether a byte of a response had come.
    public let answered: Bool

    /// Whether the connection had served another request before, so that it may have been closed while it was idle.
    public let wasReused: Bool

    init(kind: Kind, reason: String, answered: Bool, wasReused: Bool) {
        self.kind = kind
        self.reason = reason
        self.answered = answered
        self.wasReused = wasReused
    }

    /// A failure that its observer has found, before there was a response.
    public init(_ kind: Kind, _ reason: String) {
        self.init(kind: kind, reason: reason, answered: false, wasReused: false)
    }
}

/// The upstream side's deadlines, in nanoseconds.
public struct ClientTimeouts: Sendable, Equatable {
    /// For a connection to be made.
    public var connect: Int64 = 2_000_000_000

    /// From the request to the first byte of the response.
    public var firstByte: Int64 = 30_000_000_000

    /// Silence inside a response or a request body.
    public var idle: Int64 = 60_000_000_000

    /// How long an idle connection is kept.
    public var keepAlive: Int64 = 60_000_000_000

    /// The defaults of the configuration.
    public init() {}
}
