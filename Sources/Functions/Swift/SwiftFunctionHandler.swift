import PenstockBytes
public import PenstockHTTP
import PenstockNetworking
public import PenstockObservability
import PenstockSystem
public import PenstockTransport

/// Answers requests by a Swift function, on the loop or on the worker pool; one a loop and route.
///
/// The event is made from the exchange, without JSON in between. A body is collected before the function is called.
public final class SwiftFunctionHandler: Handler {
    let runtime: SwiftFunctionRuntime
    let workers: SwiftWorkers
    private let route: EventRoute
    private let budget: BufferBudget
    private let metrics: FunctionMetrics

    /// A handler for the requests of one route.
    ///
    /// - Parameters:
    ///   - runtime: the function.
    ///   - workers: the loop's way to the pool.
    ///   - budget: what all collected bodies share.
    ///   - path: the route's path as it is written, `/users/{id}`.
    ///   - methods: the route's methods; empty where it takes all.
    ///   - parameterNames: the names of the path's parameters.
    ///   - metrics: where it counts; the loop's index is its shard.
    public init(
        _ runtime: SwiftFunctionRuntime,
        workers: SwiftWorkers,
        budget: BufferBudget,
        path: String?,
        methods: [String] = [],
        parameterNames: [String] = [],
        metrics: MetricsRegistry
    ) {
        self.runtime = runtime
        self.workers = workers
        self.budget = budget
        route = EventRoute(path: path, methods: methods, parameterNames: parameterNames)
        self.metrics = FunctionMetrics(
            registry: metrics,
            function: runtime.settings.name,
            shard: workers.loop.index
        )
    }

    // MARK: Handler

    public func handle(_ exchange: Exchange) {
        let expected: Int
        switch exchange.body {
        case .none: return call(exchange, ByteBuffer(), reserved: 0)
        case .length(let length): expected = length
        case .stream: expected = 0
        }
        guard expected <= runtime.settings.requestLimit else { return exchange.fail(FunctionHandler.bodyTooLarge) }
        let body = SwiftRequestBody(budget: budget)
        guard body.reserve(expected) else { return refuseForRoom(exchange) }
        exchange.state = body
        exchange.sendContinue()
    }

    public func received(_ bytes: RawSpan, of exchange: Exchange) {
        guard let body = exchange.state as? SwiftRequestBody else { return exchange.consumed(bytes.byteCount) }
        guard body.bytes.count + bytes.byteCount <= runtime.settings.requestLimit else {
            return refuse(exchange, FunctionHandler.bodyTooLarge)
        }
        guard body.append(bytes) else { return refuseForRoom(exchange) }
        exchange.consumed(bytes.byteCount)
    }

    public func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) {
        guard let body = exchange.state as? SwiftRequestBody else { return }
        let reserved = body.takeReserved()
        call(exchange, body.takeBytes(), reserved: reserved)
    }

    public func cancelled(_ error: ExchangeError, _ exchange: Exchange) {
        (exchange.state as? SwiftInvocation)?.cancel()
        exchange.state = nil
    }

    /// What is left of the body is received for nothing.
    private func refuse(_ exchange: Exchange, _ error: ExchangeError) {
        exchange.state = nil
        exchange.fail(error)
    }

    private func refuseForRoom(_ exchange: Exchange) {
        metrics.failed(.buffersFull)
        report(.buffersFull, requestID: exchange.requestID)
        refuse(exchange, InvocationError.buffersFull.exchangeError)
    }

    // MARK: Calling

    private func call(_ exchange: Exchange, _ body: consuming ByteBuffer, reserved: Int) {
        let request = RequestSnapshot(
            exchange,
            route: route,
            body: body,
            budget: budget,
            reserved: reserved,
            wallNanoseconds: exchange.wallNanosecondsAtStart
        )
        if case .inline(let function) = runtime.body {
            callInline(exchange, request, function)
        } else {
            let invocation = SwiftInvocation(exchange, request, handler: self)
            exchange.state = invocation
            invocation.start()
        }
    }

    private func callInline(
        _ exchange: Exchange,
        _ request: RequestSnapshot,
        _ function: (Event, Context) throws -> Response
    ) {
        let start = MonotonicClock.now()
        let context = Context(
            settings: runtime.settings,
            lines: workers.lines,
            request: request,
            end: min(start + runtime.settings.timeout, exchange.routeDeadline)
        )
        let result: Result<Response, InvocationError>
        do {
            result = .success(try function(Event(request), context))
        } catch {
            result = .failure(.thrown(error))
        }
        let run = MonotonicClock.now() - start
        exchange.runNanoseconds = run
        ran(queue: 0, run: run)
        answer(exchange, result)
    }

    // MARK: What invocations call

    /// Sends the answer, or the error.
    func answer(_ exchange: Exchange, _ result: Result<Response, InvocationError>) {
        do throws(InvocationError) {
            try SwiftResponseWriter.send(result.get(), limit: runtime.settings.responseLimit, to: exchange)
        } catch {
            metrics.failed(error)
            report(error, requestID: exchange.requestID)
            exchange.fail(error.exchangeError)
        }
    }

    /// Writes an error down, for whoever looks after the function; the client is told nothing of it.
    func report(_ error: InvocationError, requestID: UnsafeRawBufferPointer) {
        workers.lines.append(
            "[ERROR] \(error.type): \(error.message)",
            function: runtime.settings.name,
            requestID: Array(requestID)
        )
    }

    /// An invocation has run to its end.
    func ran(queue: Int64, run: Int64) { metrics.ran(queueNanoseconds: queue, runNanoseconds: run) }
}

/// A body that is being collected, with its share of the budget.
private final class SwiftRequestBody {
    private(set) var bytes = ByteBuffer()
    private let budget: BufferBudget
    private var reserved = 0

    init(budget: BufferBudget) { self.budget = budget }

    deinit { budget.giveBack(reserved) }

    func reserve(_ count: Int) -> Bool {
        guard budget.take(count) else { return false }
        reserved += count
        return true
    }

    func append(_ more: RawSpan) -> Bool {
        let missing = bytes.count + more.byteCount - reserved
        guard missing <= 0 || reserve(missing) else { return false }
        bytes.append(more)
        return true
    }

    func takeReserved() -> Int {
        defer { reserved = 0 }
        return reserved
    }

    func takeBytes() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &bytes)
        return taken
    }
}
