internal import PenstockBytes
public import PenstockTransport

/// Why an invocation has no result: a row of the failure table, in Lambda's words.
///
/// Type and message are for the log and for whoever invoked the function directly; a client of HTTP is told a status and
/// nothing of them (trust.md).
public struct InvocationError: Error, Equatable, Sendable {
    /// What went wrong; the raw value is the `reason` label of the metrics.
    public enum Kind: String, Sendable, CaseIterable {
        /// The handler raised, or returned what cannot be sent; the instance lives on.
        case function

        /// The function could not be loaded, or not within `init_timeout`.
        case start

        /// The instance ended before it had answered.
        case exited

        /// It ran longer than `timeout`.
        case timedOut = "timeout"

        /// The instance wrote what nobody can read.
        case violation

        /// The answer is longer than `response_limit`.
        case tooLarge = "response_too_large"

        /// The answer is not a response: its status, its fields, its JSON; the instance lives on.
        case invalidResponse = "invalid_response"

        /// `queue.length` events wait already.
        case queueFull = "queue_full"

        /// It waited longer than `queue.wait`.
        case queueTimeout = "queue_wait"

        /// The gateway could not start an instance, cannot hold one more event, or is about to end.
        case gateway

        /// Nobody waited for it any more, and it had not started.
        case abandoned
    }

    /// What went wrong.
    public let kind: Kind

    /// Lambda's name for it, or the type of what the handler raised: `Runtime.ExitError`, `ValueError`.
    public let type: String

    /// In words.
    public let message: String

    /// The error as JSON in the instance's own words, if it had any.
    private let payload: [UInt8]?

    /// Whether the instance told of it, and so has written it down already.
    var isInstanceReport: Bool { payload != nil }

    /// Describes a failure that the gateway has seen.
    public init(_ kind: Kind, type: String, message: String) {
        self.kind = kind
        self.type = type
        self.message = message
        payload = nil
    }

    /// Describes a failure in an instance's own words: the payload of ERROR or INIT_ERROR.
    public init(_ kind: Kind, payload: UnsafeRawBufferPointer) {
        let value = try? JSONValue(parsing: payload)
        self.kind = kind
        type = value?["errorType"]?.string ?? "Runtime.Unknown"
        message = value?["errorMessage"]?.string ?? ""
        self.payload = value?.object == nil ? nil : Array(payload)
    }

    /// The whole error as JSON, as `lambda.invoke` answers it.
    public var json: [UInt8] {
        if let payload { return payload }
        let value: JSONValue = ["errorMessage": .string(message), "errorType": .string(type)]
        return Array(value.jsonText.utf8)
    }

    /// Nobody waited for it any more, and it had not started.
    public static let abandoned = InvocationError(.abandoned, type: "Gateway.Abandoned", message: "the client is gone")

    /// What a client is told of it, and the log.
    public var exchangeError: ExchangeError {
        let reason = "\(type): \(message)"
        switch kind {
        case .function, .start, .exited, .violation, .tooLarge, .invalidResponse:
            return ExchangeError(.function, status: 502, message: "Internal server error", reason: reason)
        case .timedOut:
            return ExchangeError(.function, status: 504, message: "Endpoint request timed out", reason: reason)
        case .queueFull, .queueTimeout, .gateway:
            return ExchangeError(
                .gateway,
                status: 503,
                message: "Service Unavailable",
                reason: reason,
                retryAfter: 1
            )
        case .abandoned: return .clientGone
        }
    }

    /// Whether it was refused for want of capacity, and never began.
    public var isThrottle: Bool {
        switch kind {
        case .queueFull, .queueTimeout, .gateway: true
        case .function, .start, .exited, .timedOut, .violation, .tooLarge, .invalidResponse, .abandoned: false
        }
    }
}
