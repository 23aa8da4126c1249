import PenstockBytes
public import PenstockHTTP
public import PenstockNetworking
public import PenstockSystem

/// How the body of a request comes.
public enum ExchangeBody: Equatable, Sendable {
    /// There is none.
    case none

    /// Exactly so many bytes.
    case length(Int)

    /// Until it ends.
    case stream
}

/// One request and its response, whatever protocol it came over.
///
/// Recycled by its loop, and used on that loop only; ``id`` is all that may cross to another thread. A handler fills in
/// ``response`` and calls ``respond(end:)``, then ``write(_:)`` and ``end(trailers:)``.
public final class Exchange {
    /// The request: valid until the exchange has ended.
    public let head = RequestHead()

    /// The response that the handler fills in before ``respond(end:)``.
    public let response = ResponseHead()

    /// What the loop shares.
    public let context: LoopContext

    /// Names the exchange from other threads; another number after it was recycled.
    public private(set) var id: ExchangeID

    /// How the body comes.
    public private(set) var body = ExchangeBody.none

    /// The route, once the router has found it.
    public private(set) var route: Route?

    /// The parameters of the route's path: ranges in ``RequestHead/path`` as it was when the route was chosen.
    public var parameters: [Range<Int>] = []

    /// The handler's own object for this exchange; let go when it ends.
    public var state: AnyObject?

    /// Where the request came in; `nil` only before it has begun.
    public private(set) var connection: ConnectionInfo?

    /// When the head was complete.
    public private(set) var startedAt = Instant.never

    /// Nanoseconds that the request waited for a function instance or a connection.
    public var queueNanoseconds: Int64 = 0

    /// Nanoseconds that the function or the upstream had the request; -1: nothing ran.
    public var runNanoseconds: Int64 = -1

    /// Body bytes of the response, as the client gets them.
    public private(set) var bytesSent = 0

    /// Body bytes of the request.
    public private(set) var bytesReceived = 0

    /// Why it failed, for the log.
    public private(set) var failure: ExchangeError?

    /// Whether the head of the response has been handed over.
    public private(set) var hasResponded = false

    /// Whether the response is whole.
    public private(set) var hasEnded = false

    private(set) var bodyLimit = Int.max

    /// The client's deadlines where the route has its own.
    private(set) var timeouts: ServerTimeouts?
    private unowned(unsafe) var front: (any ExchangeFront)?
    private var handler: (any Handler)?
    private var recorder: (any ExchangeRecorder)?
    private var client = ClientAddress()
    private let requestIDText = UnsafeMutablePointer<UInt8>.allocate(capacity: 128)
    private var requestIDLength = 0
    private lazy var deadline = Timer(target: self)

    init(id: ExchangeID, context: LoopContext) {
        self.id = id
        self.context = context
    }

    deinit { requestIDText.deallocate() }

    /// The loop that it lives on.
    public var loop: EventLoop { context.loop }

    // MARK: What the router calls

    /// Gives the exchange to the route that was chosen; what follows goes to its handler.
    ///
    /// - Parameter route: the route.
    /// - Returns: whether the route takes it; otherwise it has been answered: the body is too large.
    public func take(_ route: Route) -> Bool {
        self.route = route
        handler = route.handler
        bodyLimit = route.bodyLimit ?? connection?.settings.bodyLimit ?? .max
        if case .length(let length) = body, length > bodyLimit {
            fail(.bodyTooLarge)
            return false
        }
        if let timeouts = route.clientTimeouts, let connection {
            self.timeouts = timeouts.applied(to: connection.settings.timeouts)
        }
        if let timeout = route.timeout { loop.set(deadline, at: startedAt + timeout) }
        return true
    }

    /// Hands the exchange to another handler from now on.
    public func hand(to handler: any Handler) {
        self.handler = handler
        handler.handle(self)
    }

    // MARK: What handlers call

    /// Gives back credit for body bytes: at most 64 KiB are under way unconsumed.
    public func consumed(_ count: Int) { front?.consumed(count, self) }

    /// Tells a client that waits for 100 (Continue) to send its body.
    public func sendContinue() {
        if head.expectsContinue, !hasResponded { front?.sendContinue(self) }
    }

    /// Sends an interim response, 100...199 but 101; any number of them may come before ``respond(end:)``.
    public func inform(_ head: ResponseHead) {
        if !hasResponded, !hasEnded { front?.inform(head, self) }
    }

    /// Sends ``response``.
    ///
    /// - Parameter end: no body follows. Otherwise the body is ``ResponseHead/contentLength`` bytes, or as long as it is.
    public func respond(end: Bool) {
        guard !hasResponded, !hasEnded else { return }
        if let route { for stage in route.responseStages { stage.apply(to: self) } }
        hasResponded = true
        if end { hasEnded = true }
        front?.respond(self, end: end)
    }

    /// Sends body bytes; all of them are taken, and copied as far as they cannot leave now.
    ///
    /// - Parameter bytes: valid during the call only.
    /// - Returns: the bytes held back. Over ``writeLimit``: stop until ``Handler/writable(_:)``.
    @discardableResult
    public func write(_ bytes: RawSpan) -> Int {
        guard hasResponded, !hasEnded, let front else { return 0 }
        if head.method != .head { bytesSent &+= bytes.byteCount }
        return front.write(bytes, self)
    }

    /// Bytes that may be held back before a handler should stop writing.
    public static let writeLimit = 65_536

    /// Ends the body.
    ///
    /// - Parameter trailers: fields after the body, where the protocol and the client have room for them.
    public func end(trailers: FieldBlock? = nil) {
        guard hasResponded, !hasEnded else { return }
        hasEnded = true
        front?.end(trailers: trailers, self)
    }

    /// Ends the exchange as failed: with the error's status where the head has not left, by cutting it where it has.
    ///
    /// - Parameters:
    ///   - error: what went wrong.
    ///   - allow: the value of an `Allow` field, for 405.
    public func fail(_ error: ExchangeError, allow: UnsafeRawBufferPointer? = nil) {
        guard !hasEnded else { return }
        failure = error
        guard !hasResponded else {
            hasEnded = true
            front?.cut(self)
            return
        }
        response.reset()
        if let allow { response.fields.append(.allow, "allow", allow) }
        GatewayAnswer.write(error, for: self)
    }

    /// Notes why it failed, for the log, where the handler answers in its own words.
    public func note(_ error: ExchangeError) { failure = error }

    /// The request id: 36 characters of a fresh UUID, or what a trusted peer sent; valid until the exchange has ended.
    public var requestID: UnsafeRawBufferPointer {
        if requestIDLength == 0 {
            requestIDLength = 36
            context.identifiers.write(to: requestIDText)
        }
        return UnsafeRawBufferPointer(start: requestIDText, count: requestIDLength)
    }

    /// The address of the client as text: the peer's, or what trusted proxies say.
    public var clientAddress: UnsafeRawBufferPointer {
        guard let connection else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return client.text(head.fields, connection)
    }

    // MARK: What fronts call

    /// The head is complete: a new life for a recycled exchange.
    public func begin(_ front: any ExchangeFront, _ connection: ConnectionInfo, body: ExchangeBody) {
        self.front = front
        self.connection = connection
        self.body = body
        startedAt = loop.now
        recorder = connection.settings.recorder
        handler = connection.settings.handler
        if connection.isTrusted { adoptRequestID() }
    }

    /// Lets the root handler look at it.
    public func start() { handler?.handle(self) }

    /// Body bytes have come.
    public func deliver(_ bytes: RawSpan) {
        bytesReceived &+= bytes.byteCount
        guard bytesReceived <= bodyLimit else { return failAndCancel(.bodyTooLarge) }
        handler?.received(bytes, of: self)
    }

    /// The body is whole.
    public func deliverEnd(trailers: FieldBlock?) { handler?.receivedEnd(trailers: trailers, of: self) }

    /// What was held back has left.
    public func deliverWritable() { if !hasEnded { handler?.writable(self) } }

    /// Ends it from outside: the handler hears of it, the client is told where it can be.
    public func failAndCancel(_ error: ExchangeError) {
        guard !hasEnded else { return }
        let handler = self.handler
        self.handler = nil
        handler?.cancelled(error, self)
        fail(error)
    }

    /// The client is gone: the handler hears of it, and nobody is told.
    public func cancel(_ error: ExchangeError) {
        if !hasEnded {
            failure = error
            hasEnded = true
            handler?.cancelled(error, self)
        }
    }

    /// The response is whole, or cut: writes the log line and gives the exchange back.
    public func finish() {
        recorder?.ended(self)
        loop.cancel(deadline)
        handler = nil
        recorder = nil
        front = nil
        state = nil
        route = nil
        connection = nil
        head.reset()
        response.reset()
        parameters.removeAll(keepingCapacity: true)
        reset()
        id = ExchangeID(loop: id.loop, slot: id.slot, generation: id.generation + 1)
        context.exchanges.giveBack(self)
    }

    private func reset() {
        body = .none
        queueNanoseconds = 0
        runNanoseconds = -1
        bytesSent = 0
        bytesReceived = 0
        failure = nil
        hasResponded = false
        hasEnded = false
        bodyLimit = .max
        timeouts = nil
        requestIDLength = 0
        client.reset()
    }

    /// A trusted peer may choose the id: 1 to 128 of `[A-Za-z0-9._-]` (architecture.md, section 6).
    private func adoptRequestID() {
        guard let value = head.fields.first(.xRequestID), (1...128).contains(value.count) else { return }
        for byte in value
        where !(ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2D) {
            return
        }
        UnsafeMutableRawPointer(requestIDText).copyMemory(from: value.baseAddress!, byteCount: value.count)
        requestIDLength = value.count
    }
}

extension Exchange: TimerTarget {
    /// The route's timeout has passed.
    public func expired(_ timer: Timer) { failAndCancel(.timedOut) }
}
