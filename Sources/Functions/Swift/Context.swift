import PenstockSystem

/// What a function is told of its invocation besides the event.
///
/// A value that may be kept and sent to other threads.
public struct Context: Sendable {
    let settings: SwiftFunctionSettings
    let lines: SwiftFunctionLines
    let request: RequestSnapshot
    let end: Instant

    /// The id of the request, as its log lines and the field `x-request-id` carry it.
    public var awsRequestID: String { request.text(request.requestID) }

    /// The function's name in routes.yaml.
    public var functionName: String { settings.name }

    /// Always `$LATEST`.
    public var functionVersion: String { "$LATEST" }

    /// How long the function may still run before its caller is told that it took too long; not below zero.
    ///
    /// A closure cannot be ended from outside: one that blocks runs on, and its result is dropped; an async one finds
    /// its task cancelled. From `timeout` of the function in routes.yaml, counted from when it was called; a route's own
    /// `timeout` may leave less.
    public var remainingTime: Duration {
        .nanoseconds(max(0, end - MonotonicClock.now()))
    }

    /// When ``remainingTime`` is over: for `Task.sleep(until:)` and the like.
    public var deadline: ContinuousClock.Instant { .now + remainingTime }

    /// Writes a line to the functions' log, with the function's name and the request's id.
    ///
    /// From any thread; a text of several lines becomes several lines. What is printed to standard output goes where
    /// the program's own output goes, without a name.
    public func log(_ message: String) {
        lines.append(message, function: settings.name, requestID: Array(request.bytes(request.requestID)))
    }
}
