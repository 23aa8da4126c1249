public import PenstockNetworking
public import PenstockObservability

/// Takes the lines that functions print; one for each loop, called on it.
public protocol InstanceOutput: AnyObject {
    /// A line was printed.
    ///
    /// - Parameters:
    ///   - line: without its line feed, as it was printed; valid during the call only.
    ///   - source: function, instance, the request that ran meanwhile (empty: none), and the stream.
    func printed(_ line: UnsafeRawBufferPointer, from source: FunctionLog.Source)
}

extension InstanceOutput {
    /// Writes down a failure that the instance itself knows nothing of.
    func report(_ failure: InvocationError, from source: FunctionLog.Source) {
        Array("[ERROR] \(failure.type): \(failure.message)".utf8).withUnsafeBytes { printed($0, from: source) }
    }
}

/// What a loop lends to all instances that it serves.
public final class InstanceLoop: @unchecked Sendable {  // `loop` is a constant, the rest is used on its thread
    /// The loop.
    public let loop: EventLoop

    /// Takes what is printed on it.
    public let output: any InstanceOutput

    private let registry: MetricsRegistry

    /// For what one read of a log pipe brings; the loop's own scratch may hold a reply meanwhile.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)

    /// The share of `loop`, whose instances print to `output` and are counted in `metrics`.
    public init(loop: EventLoop, output: any InstanceOutput, metrics: MetricsRegistry = MetricsRegistry()) {
        self.loop = loop
        self.output = output
        registry = metrics
    }

    /// The loop's share of what is counted of a function.
    func metrics(of function: String) -> FunctionMetrics {
        FunctionMetrics(registry: registry, function: function, shard: loop.index)
    }

    deinit { scratch.deallocate() }
}
