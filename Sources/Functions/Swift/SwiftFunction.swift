/// A Swift closure that answers requests, by the name that routes.yaml gives it: `functions: { greet: { swift: greet } }`.
///
/// ```swift
/// let functions: [String: SwiftFunction] = [
///     "greet": .init { event in .init(body: "Hello, \(event.body ?? "")") },
///     "fast": .init(blocking: false) { event, context in .init(body: context.awsRequestID) },
///     "fetch": .init { event, context in try await fetch(event.rawPath) },
/// ]
/// ```
/// What it throws becomes 502 for the client, and a line in the log. Closures run at the same time as each other.
public struct SwiftFunction: Sendable {
    enum Body: Sendable {
        case inline(@Sendable (Event, Context) throws -> Response)
        case blocking(@Sendable (Event, Context) throws -> Response)
        case async(@Sendable (Event, Context) async throws -> Response)
    }

    let body: Body

    /// How many run at a time; more of them wait, as `queue` in routes.yaml says.
    let concurrency: Int

    /// A function that runs to its end on one thread.
    ///
    /// - Parameters:
    ///   - blocking: `true`: on a pool of threads, so that it may read files, wait for a database or sleep. `false`: at
    ///     once on the loop that has the connection, which serves nobody else meanwhile: for a few microseconds of
    ///     work, without a change of threads, and without a timeout.
    ///   - concurrency: how many run at a time, at least 1, if it may block; all functions together have 64 threads.
    ///   - body: answers an event.
    public init(
        blocking: Bool = true,
        concurrency: Int = 64,
        _ body: @escaping @Sendable (Event) throws -> Response
    ) {
        self.init(blocking: blocking, concurrency: concurrency) { event, _ in try body(event) }
    }

    /// A function that runs to its end on one thread, and looks at its context.
    ///
    /// - Parameters:
    ///   - blocking: `true`: on a pool of threads, so that it may block. `false`: at once on the loop that has the
    ///     connection, for a few microseconds of work, without a timeout.
    ///   - concurrency: how many run at a time, at least 1, if it may block; all functions together have 64 threads.
    ///   - body: answers an event.
    public init(
        blocking: Bool = true,
        concurrency: Int = 64,
        _ body: @escaping @Sendable (Event, Context) throws -> Response
    ) {
        self.body = blocking ? .blocking(body) : .inline(body)
        self.concurrency = max(1, concurrency)
    }

    /// A function that awaits: a task of its own for each event, cancelled when the function's `timeout` has passed.
    ///
    /// It must not block its thread, as nothing must in Swift's concurrency.
    ///
    /// - Parameters:
    ///   - concurrency: how many run at a time, at least 1.
    ///   - body: answers an event.
    public init(concurrency: Int = 1024, _ body: @escaping @Sendable (Event) async throws -> Response) {
        self.init(concurrency: concurrency) { event, _ in try await body(event) }
    }

    /// A function that awaits, and looks at its context: a task of its own for each event.
    ///
    /// - Parameters:
    ///   - concurrency: how many run at a time, at least 1.
    ///   - body: answers an event.
    public init(concurrency: Int = 1024, _ body: @escaping @Sendable (Event, Context) async throws -> Response) {
        self.body = .async(body)
        self.concurrency = max(1, concurrency)
    }
}
