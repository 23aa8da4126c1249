internal import PenstockBytes
public import PenstockHTTP
internal import PenstockNetworking
internal import PenstockObservability
internal import PenstockSystem
public import PenstockTransport

/// Answers requests by a function: collects the body, hands the event over, and makes the response from the answer.
///
/// One object a loop and route. A body is collected before an instance is asked for, so that a slow client holds memory
/// within a bound and no instance; an answer is taken whole, so that the instance is free however slow the client reads.
public final class FunctionHandler: Handler {
    /// The largest request body, in bytes, whatever the route allows: Lambda's 6 MiB.
    public static let bodyLimit = 6 << 20

    private let invoker: any FunctionInvoker
    private let encoder: EventEncoder
    private let metrics: FunctionMetrics
    private let budget: BufferBudget
    private let output: any InstanceOutput
    private let name: [UInt8]
    private var free: [Invocation] = []

    /// Answers the requests of one route on one loop.
    ///
    /// - Parameters:
    ///   - invoker: the function, as this loop sees it.
    ///   - encoder: of the route's events.
    ///   - metrics: the loop's share of what is counted of the function.
    ///   - budget: of all collected bodies of the process.
    ///   - output: takes the loop's lines of functions: what is wrong with an answer is one more.
    public init(
        invoker: any FunctionInvoker,
        encoder: EventEncoder,
        metrics: FunctionMetrics,
        budget: BufferBudget,
        output: any InstanceOutput
    ) {
        self.invoker = invoker
        self.encoder = encoder
        self.metrics = metrics
        self.budget = budget
        self.output = output
        name = Array(metrics.function.utf8)
    }

    // MARK: Handler

    public func handle(_ exchange: Exchange) {
        if case .length(let length) = exchange.body {
            guard length <= Self.bodyLimit else { return exchange.fail(Self.bodyTooLarge) }
            guard budget.hasRoom(for: length) else { return refuse(exchange) }
        }
        let invocation = free.popLast() ?? Invocation(budget: budget)
        invocation.begin(for: exchange, observer: self)
        exchange.state = invocation
        if exchange.body == .none {
            invoke(invocation, exchange)
        } else {
            exchange.sendContinue()
        }
    }

    public func received(_ bytes: RawSpan, of exchange: Exchange) {
        guard let invocation = invocation(of: exchange) else { return exchange.consumed(bytes.byteCount) }
        guard invocation.body.count + bytes.byteCount <= Self.bodyLimit else {
            recycle(invocation)
            return exchange.fail(Self.bodyTooLarge)
        }
        guard invocation.collect(bytes) else {
            recycle(invocation)
            return refuse(exchange)
        }
        exchange.consumed(bytes.byteCount)
    }

    public func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) {
        if let invocation = invocation(of: exchange) { invoke(invocation, exchange) }
    }

    public func cancelled(_ error: ExchangeError, _ exchange: Exchange) {
        guard let invocation = invocation(of: exchange) else { return }
        guard invocation.isLent else { return recycle(invocation) }
        exchange.state = nil
        invocation.abandon()
        invoker.cancel(invocation)
    }

    private func invocation(of exchange: Exchange) -> Invocation? {
        exchange.state.map { unsafeDowncast($0, to: Invocation.self) }
    }

    // MARK: Invocations

    private func invoke(_ invocation: Invocation, _ exchange: Exchange) {
        invocation.beginFrame()
        encoder.encode(
            exchange,
            body: invocation.body.readable,
            wallNanoseconds: exchange.wallNanosecondsAtStart,
            to: &invocation.frame
        )
        invocation.releaseBody()
        invocation.lend()
        invoker.invoke(invocation)
    }

    /// Takes an invocation back from its invoker.
    ///
    /// - Returns: the exchange that waits for the answer, if one still does.
    private func end(_ invocation: Invocation, _ error: InvocationError? = nil) -> Exchange? {
        precondition(invocation.isLent, "an invocation has one outcome")
        invocation.takeBack()
        metrics.ended(invocation, error)
        let exchange = invocation.exchange
        if let exchange {
            exchange.queueNanoseconds = invocation.queueNanoseconds
            exchange.runNanoseconds = invocation.runNanoseconds
        }
        recycle(invocation)
        return exchange
    }

    private func recycle(_ invocation: Invocation) {
        invocation.exchange?.state = nil
        invocation.reset()
        if free.count < 64 { free.append(invocation) }
    }

    // MARK: Refusals

    /// Writes down what no instance knows of.
    private func report(_ error: InvocationError, instance: Int = 0, requestID: UnsafeRawBufferPointer) {
        name.withUnsafeBytes { name in
            output.report(error, from: FunctionLog.Source(function: name, instance: instance, requestID: requestID))
        }
    }

    private func refuse(_ exchange: Exchange) {
        metrics.failed(.buffersFull)
        report(.buffersFull, requestID: exchange.requestID)
        exchange.fail(InvocationError.buffersFull.exchangeError)
    }

    static let bodyTooLarge = ExchangeError(
        .client,
        status: 413,
        message: "Content Too Large",
        reason: "request body over \(bodyLimit) bytes, the most that a function is given",
        closesConnection: true
    )
}

extension Exchange {
    /// When the request came, in nanoseconds since 1970.
    var wallNanosecondsAtStart: Int64 { MonotonicClock.wallNanoseconds() - (loop.now - startedAt) }

    /// When its route's `timeout` is over; ``Instant/never`` where it has none.
    var routeDeadline: Instant { route?.timeout.map { startedAt + $0 } ?? .never }
}

extension FunctionHandler: InvocationObserver {
    public func replied(
        _ invocation: Invocation,
        status: Int,
        fields: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        guard let exchange = invocation.exchange else {
            _ = end(invocation)
            return
        }
        do throws(InvocationError) {
            try FunctionReply.fill(exchange.response, status: status, fields: fields)
        } catch {
            return refuse(invocation, error)
        }
        if let exchange = end(invocation) { FunctionReply.send(exchange, body: body) }
    }

    public func returned(_ invocation: Invocation, json: UnsafeRawBufferPointer) {
        guard invocation.exchange != nil else {
            _ = end(invocation)
            return
        }
        do throws(InvocationError) {
            let result = try FunctionResult(json: json)
            replied(invocation, status: result.status, fields: result.fields.readable, body: result.body.readable)
        } catch {
            refuse(invocation, error)
        }
    }

    /// The answer is none: its instance does not know, so it is said here.
    private func refuse(_ invocation: Invocation, _ error: InvocationError) {
        report(error, instance: invocation.instance, requestID: invocation.requestID)
        failed(invocation, error)
    }

    public func failed(_ invocation: Invocation, _ error: InvocationError) {
        switch error.kind {
        // No instance had it that could have said so.
        case .queueFull, .queueTimeout, .start, .gateway: report(error, requestID: invocation.requestID)
        case .function, .exited, .timedOut, .violation, .tooLarge, .invalidResponse, .abandoned: break
        }
        end(invocation, error)?.fail(error.exchangeError)
    }
}
