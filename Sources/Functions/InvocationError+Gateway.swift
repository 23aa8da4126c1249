public import PenstockBytes

/// What the gateway says of any function, process or closure, that gave no answer, or was given no event.
///
/// Messages are Lambda's where Lambda has one (functions.md, section 5).
extension InvocationError {
    /// The closure of a Swift function threw.
    static func thrown(_ error: any Error) -> InvocationError {
        if let error = error as? FunctionError {
            return InvocationError(.function, type: error.type, message: error.message)
        }
        return InvocationError(.function, type: "\(Swift.type(of: error))", message: "\(error)")
    }

    /// It ran longer than `timeout`.
    static func timedOut(after nanoseconds: Int64, requestID: UnsafeRawBufferPointer) -> InvocationError {
        InvocationError(
            .timedOut,
            type: "Sandbox.Timedout",
            message: "RequestId: \(text(requestID)) Error: Task timed out after \(seconds(nanoseconds)) seconds"
        )
    }

    /// The answer is longer than `response_limit`.
    static func tooLarge(_ limit: Int) -> InvocationError {
        InvocationError(
            .tooLarge,
            type: "Function.ResponseSizeTooLarge",
            message: "Response payload size exceeded maximum allowed payload size (\(limit) bytes)."
        )
    }

    /// What it answered is not JSON.
    public static func noJSON(_ error: JSONError) -> InvocationError {
        FunctionReply.invalid("the result is not JSON: \(error)")
    }

    static let queueFull = InvocationError(
        .queueFull,
        type: "Gateway.QueueFull",
        message: "as many events wait as may (queue.length)"
    )

    /// It waited longer than `queue.wait` for a `place`: an instance, or a thread.
    static func queueTimeout(noFree place: String) -> InvocationError {
        InvocationError(
            .queueTimeout,
            type: "Gateway.QueueTimeout",
            message: "no \(place) was free in time (queue.wait)"
        )
    }

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

    static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    /// With two digits behind the point, as Lambda writes them.
    static func seconds(_ nanoseconds: Int64) -> String {
        let hundredths = (nanoseconds + 5_000_000) / 10_000_000
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
