/// What the gateway says of a Swift function that gave no answer, in the words that it has for processes.
enum SwiftFunctionFailure {
    /// The closure threw.
    static func thrown(_ error: any Error) -> InvocationError {
        if let error = error as? FunctionError {
            return InvocationError(.function, type: error.type, message: error.message)
        }
        return InvocationError(.function, type: "\(type(of: error))", message: "\(error)")
    }

    /// It ran longer than `timeout`.
    static func timedOut(after nanoseconds: Int64) -> InvocationError {
        let hundredths = (nanoseconds + 5_000_000) / 10_000_000
        let fraction = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
        return InvocationError(
            .timedOut,
            type: "Sandbox.Timedout",
            message: "Task timed out after \(hundredths / 100).\(fraction) seconds"
        )
    }

    /// The body is longer than `response_limit`.
    static func tooLarge(_ limit: Int) -> InvocationError {
        InvocationError(
            .tooLarge,
            type: "Function.ResponseSizeTooLarge",
            message: "Response payload size exceeded maximum allowed payload size (\(limit) bytes)."
        )
    }

    static let queueFull = InvocationError(
        .queueFull,
        type: "Gateway.QueueFull",
        message: "as many events wait as may (queue.length)"
    )

    static let queueTimeout = InvocationError(
        .queueTimeout,
        type: "Gateway.QueueTimeout",
        message: "no thread was free in time (queue.wait)"
    )

    static let poolFull = InvocationError(
        .gateway,
        type: "Gateway.Throttled",
        message: "as many closures wait for a thread as may"
    )

    static let buffersFull = InvocationError(
        .gateway,
        type: "Gateway.Throttled",
        message: "the bodies of requests to functions take limits.buffered bytes already"
    )
}
