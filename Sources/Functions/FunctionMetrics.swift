public import PenstockObservability

/// What is counted of one function by one loop (or by the supervisor): a shard of every series that it has.
///
/// ``FunctionHandler`` counts the outcome of every invocation; whoever starts instances counts those.
public final class FunctionMetrics {
    /// The function's name.
    let function: String

    private let registry: MetricsRegistry
    private let shard: Int
    private let invocations: Counter
    private let queue: Histogram
    private let run: Histogram
    private lazy var coldStarts = registry.counter(.functionColdStarts, [function], shard: shard)
    private lazy var initialisation = registry.histogram(.functionInitDuration, [function], shard: shard)

    /// Series exist from the first time on that something goes wrong in that way.
    private var failures: [InvocationError.Kind: Counter] = [:]

    /// The shares of one writer.
    ///
    /// - Parameters:
    ///   - registry: where the series live.
    ///   - function: its name.
    ///   - shard: the index of the loop that counts.
    public init(registry: MetricsRegistry, function: String, shard: Int) {
        self.registry = registry
        self.function = function
        self.shard = shard
        invocations = registry.counter(.functionInvocations, [function], shard: shard)
        queue = registry.histogram(.functionQueueDuration, [function], shard: shard)
        run = registry.histogram(.functionRunDuration, [function], shard: shard)
    }

    /// An invocation has ended, with an answer or with `error`.
    public func ended(_ invocation: Invocation, _ error: InvocationError? = nil) {
        if invocation.runNanoseconds >= 0 {
            ran(queueNanoseconds: invocation.queueNanoseconds, runNanoseconds: invocation.runNanoseconds)
        }
        if let error { failed(error) }
    }

    /// An event has been run.
    ///
    /// - Parameters:
    ///   - queueNanoseconds: how long it waited before.
    ///   - runNanoseconds: how long it took.
    func ran(queueNanoseconds: Int64, runNanoseconds: Int64) {
        invocations.add()
        queue.observe(Int(queueNanoseconds))
        run.observe(Int(runNanoseconds))
    }

    /// Something kept an event from being answered.
    public func failed(_ error: InvocationError) {
        guard error.kind != .abandoned else { return }
        if let counter = failures[error.kind] { return counter.add() }
        let family: MetricFamily = error.isThrottle ? .functionThrottles : .functionErrors
        let counter = registry.counter(family, [function, error.kind.rawValue], shard: shard)
        failures[error.kind] = counter
        counter.add()
    }

    /// An instance is being started.
    public func coldStarted() { coldStarts.add() }

    /// An instance became ready.
    ///
    /// - Parameter nanoseconds: since it was started.
    public func initialised(nanoseconds: Int64) { initialisation.observe(Int(nanoseconds)) }
}
