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

/// What a loop lends to all instances that it serves.
public final class InstanceLoop: @unchecked Sendable {  // `loop` is a constant, the rest is used on its thread
    /// The loop.
    public let loop: EventLoop

    let output: any InstanceOutput

    /// For what one read of a log pipe brings; the loop's own scratch may hold a reply meanwhile.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)

    /// The share of `loop`, whose instances print to `output`.
    public init(loop: EventLoop, output: any InstanceOutput) {
        self.loop = loop
        self.output = output
    }

    deinit { scratch.deallocate() }
}
