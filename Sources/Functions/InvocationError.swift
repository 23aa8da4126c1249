public import PenstockTransport

/// Why there is no answer of a function.
///
/// Type and message are for the log; a client is told a status and nothing of them (trust.md).
public struct InvocationError: Error, Equatable, Sendable {
    /// What went wrong; the raw value is the `reason` label of the metrics.
    public enum Kind: String, Sendable, CaseIterable {
        /// The handler raised, or returned what has no JSON form.
        case handlerError = "handler_error"

        /// The instance ended before it had answered.
        case exited

        /// The function's `timeout` has passed; its instance is ended.
        case timeout

        /// No instance could be made: the file, its handler or the interpreter failed, or `init_timeout` has passed.
        case initError = "init_error"

        /// What came was no frame, no line, or an answer to something else.
        case protocolError = "protocol_error"

        /// The answer is longer than `response_limit`.
        case responseTooLarge = "response_too_large"

        /// The answer is not a response: its status, its fields, its JSON.
        case invalidResponse = "invalid_response"

        /// `queue.length` events wait already.
        case queueFull = "queue_full"

        /// `queue.wait` has passed without an instance.
        case waitOver = "queue_wait"

        /// The gateway cannot hold one more event or instance, or is about to end.
        case noCapacity = "no_capacity"

        /// Nobody waited for it any more, and it had not started.
        case abandoned
    }

    /// What went wrong.
    public let kind: Kind

    /// As Lambda names it: `ValueError`, `Runtime.ExitError`.
    public let errorType: String

    /// What the log says of it.
    public let errorMessage: String

    /// Describes a failure; without an `errorType` it is the one that Lambda has for its kind.
    public init(_ kind: Kind, errorType: String? = nil, errorMessage: String) {
        self.kind = kind
        self.errorType = errorType ?? kind.defaultType
        self.errorMessage = errorMessage
    }

    /// The function ran longer than `nanoseconds`.
    public static func timedOut(after nanoseconds: Int64) -> InvocationError {
        let hundredths = (nanoseconds + 5_000_000) / 10_000_000
        let fraction = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
        return InvocationError(.timeout, errorMessage: "Task timed out after \(hundredths / 100).\(fraction) seconds")
    }

    /// What a client is told of it, and the log.
    public var exchangeError: ExchangeError {
        let reason = "\(errorType): \(errorMessage)"
        switch kind {
        case .handlerError, .exited, .initError, .protocolError, .responseTooLarge, .invalidResponse:
            return ExchangeError(.function, status: 502, message: "Internal server error", reason: reason)
        case .timeout:
            return ExchangeError(.function, status: 504, message: "Endpoint request timed out", reason: reason)
        case .queueFull, .waitOver, .noCapacity:
            return ExchangeError(
                .gateway,
                status: 503,
                message: "Service Unavailable",
                reason: reason,
                retryAfter: 1,
                isRetryable: true
            )
        case .abandoned: return .clientGone
        }
    }

    /// Whether it was refused for want of capacity, and never began.
    public var isThrottle: Bool {
        switch kind {
        case .queueFull, .waitOver, .noCapacity: true
        case .handlerError, .exited, .timeout, .initError, .protocolError, .responseTooLarge, .invalidResponse,
            .abandoned:
            false
        }
    }
}

extension InvocationError.Kind {
    /// The `errorType` where the function gave none.
    fileprivate var defaultType: String {
        switch self {
        case .handlerError: "Function.Unknown"
        case .exited: "Runtime.ExitError"
        case .timeout: "Sandbox.Timedout"
        case .initError: "Runtime.InitError"
        case .protocolError: "Runtime.ProtocolError"
        case .responseTooLarge: "Function.ResponseSizeTooLarge"
        case .invalidResponse: "Runtime.InvalidResponse"
        case .queueFull, .waitOver, .noCapacity: "Gateway.Throttled"
        case .abandoned: "Gateway.Abandoned"
        }
    }
}
