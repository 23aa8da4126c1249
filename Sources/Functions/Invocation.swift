public import PenstockBytes
internal import PenstockHTTP
public import PenstockSystem
public import PenstockTransport

/// One event on its way to a function, and what comes back of it.
///
/// Made and recycled by whoever asks (``FunctionHandler`` for requests); lent to a ``FunctionInvoker`` from
/// ``FunctionInvoker/invoke(_:)`` until the one call of its observer. Used on one loop only.
public final class Invocation {
    /// The longest request id and trace id, in bytes.
    public static let longestID = 128

    /// An INVOKE, made by ``beginFrame()`` and the event behind it, that is ready but for
    /// ``InvocationFrame/seal(_:id:milliseconds:flags:)``.
    ///
    /// Whoever sends it may take bytes off the front and put bytes behind it, so that a frame or a line leaves from where
    /// the event was encoded.
    @exclusivity(unchecked) public var frame = ByteBuffer()

    /// Where the event begins in ``frame``.
    public private(set) var eventStart = 0

    /// When whoever asked stops waiting; ``Instant/never`` where only the function's own `timeout` counts.
    ///
    /// The function is not ended by it.
    public var deadline = Instant.never

    /// Whether the result is wanted as the JSON that the handler returned, not as a response.
    public var isRaw = false

    /// The number of the instance that had it last; the invoker writes it before it calls the observer.
    public var instance = 0

    /// Nanoseconds until an instance took it; the invoker writes it before it calls the observer.
    public var queueNanoseconds: Int64 = 0

    /// Nanoseconds that an instance had it; -1: none did.
    ///
    /// The invoker writes it before it calls the observer.
    public var runNanoseconds: Int64 = -1

    /// Nanoseconds that its instance took to start, where that was started since it was asked for; else -1.
    ///
    /// The invoker writes it before it calls the observer.
    public var initNanoseconds: Int64 = -1

    /// Whether nobody waits for the answer any more: it runs on if it has started, and its answer is dropped.
    public private(set) var isAbandoned = false

    /// The exchange that asks, by its name for other threads; `nil` where it is not a request.
    public private(set) var exchangeID: ExchangeID?

    /// Who hears of the outcome.
    public private(set) var observer: (any InvocationObserver)?

    /// The invoker's own object for it; let go when the invocation is recycled.
    public var ticket: AnyObject?

    /// The request's body as far as it has come.
    @exclusivity(unchecked) var body = ByteBuffer()

    /// Whether an invoker has it.
    private(set) var isLent = false

    /// The client's connection, whose place in the limits it holds while it is lent: also for a client that has gone.
    private var connection: ConnectionInfo?

    /// The exchange that asks, as long as it waits for the answer.
    private(set) var exchange: Exchange?

    /// Bytes that it holds of the budget of all collected bodies.
    private var reserved = 0

    private let budget: BufferBudget?
    private let text = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * longestID, alignment: 1)
    private var requestIDLength = 0
    private var traceIDLength = 0

    /// An empty invocation; its memory counts against `budget`.
    public init(budget: BufferBudget? = nil) { self.budget = budget }

    deinit { text.deallocate() }

    /// The id that the function sees and that its log lines carry, 1 to 128 bytes.
    public var requestID: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: text[..<requestIDLength]) }

    /// The event, valid until ``frame`` changes.
    public var event: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: frame.readable[eventStart...]) }

    /// The trace that the request belongs to, as `X-Amzn-Trace-Id` has it; empty where there is none.
    public var traceID: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[Self.longestID..<Self.longestID + traceIDLength])
    }

    /// Names it, for a function and its log; what is longer than ``longestID`` is cut.
    public func name(requestID: UnsafeRawBufferPointer, traceID: UnsafeRawBufferPointer? = nil) {
        requestIDLength = min(requestID.count, Self.longestID)
        text.copyMemory(from: UnsafeRawBufferPointer(rebasing: requestID[..<requestIDLength]))
        traceIDLength = min(traceID?.count ?? 0, Self.longestID)
        guard let traceID, traceIDLength > 0 else { return }
        UnsafeMutableRawBufferPointer(rebasing: text[Self.longestID...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: traceID[..<traceIDLength]))
    }

    /// Says who hears of the outcome, where it is not a request.
    public func begin(observer: any InvocationObserver) { self.observer = observer }

    /// Begins the invocation of a request.
    func begin(for exchange: Exchange, observer: any InvocationObserver) {
        self.exchange = exchange
        self.observer = observer
        exchangeID = exchange.id
        deadline = exchange.routeDeadline
        name(requestID: exchange.requestID, traceID: Self.traceID(exchange.head.fields))
    }

    /// An invoker takes it.
    func lend() {
        isLent = true
        connection = exchange?.connection
        connection?.holdPlace()
    }

    /// The invoker has done with it.
    func takeBack() {
        isLent = false
        connection?.leavePlace()
        connection = nil
    }

    /// The client is gone: the exchange belongs to another request soon.
    func abandon() {
        isAbandoned = true
        exchange = nil
    }

    /// `X-Amzn-Trace-Id`, where it is one: it ends in the environment of the function.
    private static func traceID(_ fields: FieldBlock) -> UnsafeRawBufferPointer? {
        let name: StaticString = "x-amzn-trace-id"
        let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard let value = fields.first(named: bytes), value.count <= longestID else { return nil }
        for byte in value where byte <= 0x20 || byte >= 0x7F { return nil }
        return value
    }

    /// Takes a part of the request's body; `false` where the budget has no room for it.
    func collect(_ bytes: RawSpan) -> Bool {
        guard budget?.take(bytes.byteCount) ?? true else { return false }
        reserved += bytes.byteCount
        body.append(bytes)
        return true
    }

    /// Gives the body's memory back, where it is large: the event has it now, and counts in its place.
    func releaseBody() {
        if body.capacity > 16_384 { body.release() } else { body.removeAll() }
        let grown = frame.count - reserved
        guard reserved > 0, grown > 0 else { return }
        budget?.takeAnyway(grown)
        reserved += grown
    }

    /// Writes what stands before the event in ``frame``; the names are those of ``name(requestID:traceID:)``.
    public func beginFrame() {
        frame.removeAll()
        frame.reserve(2048)
        InvocationFrame.begin(&frame, requestID: requestID)
        if traceIDLength > 0 { InvocationFrame.appendField("trace-id", traceID, to: &frame) }
        eventStart = InvocationFrame.endFields(&frame)
    }

    /// Gives the frame's memory back where it is large, and its share of the budget: it has been sent.
    public func releaseFrame() {
        if frame.capacity > 16_384 { frame.release() } else { frame.removeAll() }
        eventStart = 0
        if reserved > 0 {
            budget?.giveBack(reserved)
            reserved = 0
        }
    }

    /// Makes it ready for the next event.
    public func reset() {
        releaseFrame()
        if body.capacity > 16_384 { body.release() } else { body.removeAll() }
        deadline = .never
        isRaw = false
        instance = 0
        queueNanoseconds = 0
        runNanoseconds = -1
        initNanoseconds = -1
        isAbandoned = false
        exchangeID = nil
        exchange = nil
        observer = nil
        ticket = nil
        requestIDLength = 0
        traceIDLength = 0
    }
}

/// Runs a function: the face that its instances, or a Swift function, show to one loop.
///
/// One object a loop and function. Every call comes on that loop, and so does every call of an observer.
public protocol FunctionInvoker: AnyObject {
    /// Takes an event; its observer is called exactly once, perhaps before this returns.
    func invoke(_ invocation: Invocation)

    /// Nobody waits for the answer any more (``Invocation/isAbandoned`` says so).
    ///
    /// What has not started leaves the queue and is reported as ``InvocationError/abandoned``, perhaps before this
    /// returns; what has started runs on, and its outcome is reported as ever.
    func cancel(_ invocation: Invocation)
}

/// Hears what became of an invocation, exactly once; the invocation is its owner's again from then on.
public protocol InvocationObserver: AnyObject {
    /// A response: its status, its fields as lines `name: value CR LF`, and its body.
    ///
    /// Nothing of it has been checked. The bytes are valid during the call only.
    func replied(
        _ invocation: Invocation,
        status: Int,
        fields: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    )

    /// A result that is not a response yet: the JSON that the handler returned, not checked, valid during the call only.
    func returned(_ invocation: Invocation, json: UnsafeRawBufferPointer)

    /// There is no answer.
    func failed(_ invocation: Invocation, _ error: InvocationError)
}
