/// Why an exchange failed: whose fault it is, what the client is told, and what the log is told.
public struct ExchangeError: Error, Sendable {
    /// At whose end it went wrong.
    public enum Side: String, Sendable { case client, upstream, function, gateway }

    /// At whose end it went wrong.
    public let side: Side

    /// The status for the client, if it can still be told.
    public let status: Int

    /// What the client may read; no types, addresses or stacks.
    public let message: StaticString

    /// What the log says: the timer that fired, the error's type, the system call.
    public let reason: String

    /// Seconds for a `Retry-After` field.
    public let retryAfter: Int?

    /// Whether the connection is of no more use: what follows on it cannot be told from garbage.
    public let closesConnection: Bool

    /// Describes a failure.
    public init(
        _ side: Side,
        status: Int,
        message: StaticString,
        reason: String,
        retryAfter: Int? = nil,
        closesConnection: Bool = false
    ) {
        self.side = side
        self.status = status
        self.message = message
        self.reason = reason
        self.retryAfter = retryAfter
        self.closesConnection = closesConnection
    }

    /// The client closed or reset its connection.
    public static let clientGone = ExchangeError(
        .client,
        status: 499,
        message: "Client Closed Request",
        reason: "client closed the connection",
        closesConnection: true
    )

    /// The body is larger than the route allows.
    public static let bodyTooLarge = ExchangeError(
        .client,
        status: 413,
        message: "Content Too Large",
        reason: "request body over limits.body",
        closesConnection: true
    )

    /// The route's `timeout` has passed.
    public static let timedOut = ExchangeError(
        .gateway,
        status: 504,
        message: "Endpoint request timed out",
        reason: "the route's timeout"
    )

    /// There are as many connections as `limits.connections` allows, none of them idle.
    public static let noConnections = ExchangeError(
        .gateway,
        status: 503,
        message: "Service Unavailable",
        reason: "limits.connections",
        retryAfter: 1,
        closesConnection: true
    )

    /// Another target answers instead of this one.
    static let takenOver = ExchangeError(
        .gateway,
        status: 502,
        message: "Bad Gateway",
        reason: "another target answers"
    )

    /// The gateway ends before the exchange does.
    public static let shutdown = ExchangeError(
        .gateway,
        status: 503,
        message: "Service Unavailable",
        reason: "drain deadline",
        retryAfter: 1,
        closesConnection: true
    )
}
