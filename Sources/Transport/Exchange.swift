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
/// ``response`` and calls ``respond(body:)``, or ``respond(end:)``, ``write(_:)`` and ``end(trailers:)``.
public final class Exchange {
    /// The request: valid until the exchange has ended.
    public let head = RequestHead()

    /// The response that the handler fills in before ``respond(end:)``.
    public let response = ResponseHead()

    /// What the loop shares.
    public unowned(unsafe) let context: LoopContext  // has the table

    /// The loop that it lives on.
    public let loop: EventLoop

    private unowned(unsafe) let table: ExchangeTable  // has all exchanges of the loop
    private let identifiers: IdentifierSource

    /// What belongs to one request, and is forgotten as a whole when it has ended.
    private struct Life {
        unowned(unsafe) var front: (any ExchangeFront)?
        unowned(unsafe) var connection: ConnectionInfo?  // as long as its front
        var settings: ServerSettings?
        var route: Route?
        unowned(unsafe) var target: RouteTarget?  // its route keeps it
        var targetIndex: Int?
        /// Whether its handler hears no more.
        var isCancelled = false
        /// Whether nobody has it: a stage has not decided yet, or another target is about to get it.
        var isWaiting = false
        /// The next stage of the route.
        var nextStage = 0
        var place: ConcurrencyLimit?
        var detour: Detour?
        var state: AnyObject?
        var body = ExchangeBody.none
        var bodyLimit = Int.max
        var timeouts: ServerTimeouts?
        var startedAt = Instant.never
        var queueNanoseconds: Int64 = 0
        var runNanoseconds: Int64 = -1
        var bytesSent = 0
        var bytesReceived = 0
        var failure: ExchangeError?
        var hasResponded = false
        var hasEnded = false
        var requestIDLength = 0
    }

    // On one thread, and nothing calls out while it changes. Behind computed properties, because code of other targets
    // checks each access to a stored one.
    @exclusivity(unchecked) private var life = Life()
    @exclusivity(unchecked) private var currentID: ExchangeID
    @exclusivity(unchecked) private var ranges: [Range<Int>] = []
    @exclusivity(unchecked) private var client = ClientAddress()
    private let requestIDText = UnsafeMutablePointer<UInt8>.allocate(capacity: 128)
    @exclusivity(unchecked) private var alarm = Alarm()

    /// The next one in the table's list of those that wait.
    @exclusivity(unchecked) unowned(unsafe) var nextFree: Exchange?

    init(id: ExchangeID, context: LoopContext) {
        currentID = id
        self.context = context
        loop = context.loop
        table = context.exchanges
        identifiers = context.identifiers
        alarm.target = self
    }

    deinit { requestIDText.deallocate() }

    /// Names the exchange from other threads; another number after it was recycled.
    public var id: ExchangeID { currentID }

    /// How the body comes.
    public var body: ExchangeBody { life.body }

    /// The route, once the router has found it.
    public var route: Route? { life.route }

    /// The parameters of the route's path: ranges in ``RequestHead/path`` as it was when the route was chosen.
    public var parameters: [Range<Int>] {
        get { ranges }
        _modify { yield &ranges }
    }

    /// The handler's own object for this exchange; let go when it ends.
    public var state: AnyObject? {
        get { life.state }
        set { life.state = newValue }
    }

    /// Where the request came in; `nil` only before it has begun.
    public var connection: ConnectionInfo? { life.connection }

    /// What the listener said when the request began; `nil` only before it has begun.
    public var settings: ServerSettings? { life.settings }

    /// The time at which its loop's round began.
    public var now: Instant { loop.now }

    /// When the head was complete.
    public var startedAt: Instant { life.startedAt }

    /// Nanoseconds that the request waited for a function instance or a connection.
    public var queueNanoseconds: Int64 {
        get { life.queueNanoseconds }
        set { life.queueNanoseconds = newValue }
    }

    /// Nanoseconds that the function or the upstream had the request; -1: nothing ran.
    public var runNanoseconds: Int64 {
        get { life.runNanoseconds }
        set { life.runNanoseconds = newValue }
    }

    /// Body bytes of the response, as the client gets them.
    public var bytesSent: Int { life.bytesSent }

    /// Body bytes of the request.
    public var bytesReceived: Int { life.bytesReceived }

    /// Why it failed, for the log.
    public var failure: ExchangeError? { life.failure }

    /// Whether the head of the response has been handed over.
    public var hasResponded: Bool { life.hasResponded }

    /// Whether the response is whole.
    public var hasEnded: Bool { life.hasEnded }

    /// The client's deadlines where the route has its own.
    var timeouts: ServerTimeouts? { life.timeouts }

    /// Who hears of what comes: the listener's first handler, then the target's that has it.
    private var handler: (any Handler)? {
        life.isCancelled || life.isWaiting ? nil : life.target?.handler ?? life.settings?.handler
    }

    /// What has it, or had it last; `nil` as long as no target was asked.
    public var target: RouteTarget? { life.target }

    /// The number of ``target``, of the route's first as long as none was asked; `nil` without a route.
    public var targetIndex: Int? { life.targetIndex }

    /// The listener's number.
    public var listenerIndex: Int { life.settings?.index ?? 0 }

    // MARK: What the router calls

    /// Gives the exchange to the route that was chosen.
    public func run(_ route: Route) {
        if take(route) { proceed(route) }
    }

    /// Whether the route takes it; otherwise it has been answered: the body is too large.
    private func take(_ route: Route) -> Bool {
        life.route = route
        life.targetIndex = route.target.index
        if let limit = route.bodyLimit ?? life.settings?.bodyLimit { life.bodyLimit = limit }
        if case .length(let length) = body, length > life.bodyLimit {
            fail(.bodyTooLarge)
            return false
        }
        if let timeouts = route.clientTimeouts, let settings {
            life.timeouts = timeouts.applied(to: settings.timeouts)
        }
        if let timeout = route.timeout { alarm.set(at: startedAt + timeout, on: loop) }
        if route.watcher != nil, body != .none { makeDetour().keepLimit = route.bodyBuffer }
        return true
    }

    /// Lets a request pass for which a stage has answered ``StageVerdict/pending``.
    public func proceed() {
        guard let route = life.route else { return }
        if life.isWaiting {
            life.isWaiting = false
            life.detour?.stage = nil
            life.state = nil
        }
        proceed(route)
    }

    /// Runs the stages of the route from the one that is next, and gives the exchange to the route's target behind them.
    private func proceed(_ route: Route) {
        while life.nextStage < route.requestStages.count {
            let stage = route.requestStages[life.nextStage]
            life.nextStage &+= 1
            switch stage.apply(to: self) {
            case .pass: continue
            // The exchange may be over already, and in use for the next request.
            case .answered: return
            case .pending:
                life.isWaiting = true
                makeDetour().stage = stage
                return
            }
        }
        hand(to: route.target)
    }

    /// Gives the exchange to a target, which gets what has come of the body before what is yet to come.
    public func hand(to target: RouteTarget) {
        life.target = target
        life.targetIndex = target.index
        guard let detour = life.detour else { return target.handler.handle(self) }
        let id = currentID
        target.handler.handle(self)
        if currentID == id { replay(detour) }
    }

    /// Holds a place until the exchange has ended.
    public func hold(_ place: ConcurrencyLimit) { life.place = place }

    /// Makes a copy of the request, which gets the body as it comes.
    public func mirror(by copy: RequestCopy) {
        let detour = body == .none ? nil : makeDetour()
        guard copy.start(self) else { return }
        detour?.begin(copy)
    }

    private func makeDetour() -> Detour {
        if let detour = life.detour { return detour }
        let detour = Detour()
        life.detour = detour
        return detour
    }

    // MARK: What handlers call

    /// Gives back credit for body bytes: at most 64 KiB are under way unconsumed.
    public func consumed(_ count: Int) {
        guard let front = life.front else { return }
        let own = life.detour?.credit(count) ?? count
        if own > 0 { front.consumed(own, self) }
    }

    /// Tells a client that waits for 100 (Continue) to send its body.
    public func sendContinue() {
        if head.expectsContinue, !hasResponded { life.front?.sendContinue(self) }
    }

    /// Sends an interim response, 100...199 but 101; any number of them may come before ``respond(end:)``.
    ///
    /// - Parameter head: status and fields.
    /// - Returns: the bytes held back, as ``write(_:)`` answers them.
    @discardableResult
    public func inform(_ head: ResponseHead) -> Int {
        guard !hasResponded, !hasEnded, let front = life.front else { return 0 }
        return front.inform(head, self)
    }

    /// Sends ``response``.
    ///
    /// - Parameter end: no body follows. Otherwise the body is ``ResponseHead/contentLength`` bytes, or as long as it is.
    public func respond(end: Bool) {
        guard !hasResponded, !hasEnded, !isTakenOver(isWhole: end) else { return }
        beginResponse(isWhole: end)
        life.front?.respond(self, end: end)
    }

    /// Sends ``response`` and a whole body, for HEAD its length alone.
    ///
    /// - Parameter body: valid during the call only; its length becomes ``ResponseHead/contentLength``.
    public func respond(body: RawSpan) {
        guard !hasResponded, !hasEnded, !isTakenOver(isWhole: true) else { return }
        send(body)
    }

    /// Sends ``response`` and a whole body, whoever watches the route's answers.
    func send(_ body: RawSpan) {
        response.contentLength = body.byteCount
        if head.method != .head { life.bytesSent = body.byteCount }
        beginResponse(isWhole: true)
        life.front?.respond(self, body: body)
    }

    /// Sends ``response`` with status 101: what the client sends from then on comes to ``Handler/received(_:of:)``, what is
    /// written goes to it, both as they are, until ``end(trailers:)``.
    public func acceptTunnel() {
        guard !hasResponded, !hasEnded else { return }
        response.status = 101
        life.bodyLimit = .max
        beginResponse(isWhole: false)
        life.front?.acceptTunnel(self)
    }

    private func beginResponse(isWhole: Bool) {
        if let route = life.route, !route.responseStages.isEmpty {
            for stage in route.responseStages { stage.apply(to: self) }
        }
        life.hasResponded = true
        life.hasEnded = isWhole
        if alarm.isSet, !isWhole, response.status == 101 || response.isEventStream { alarm.cancel(on: loop) }
    }

    /// Sends body bytes; all of them are taken, and copied as far as they cannot leave now.
    ///
    /// - Parameter bytes: valid during the call only.
    /// - Returns: the bytes held back. Over ``writeLimit``: stop until ``Handler/writable(_:)``.
    @discardableResult
    public func write(_ bytes: RawSpan) -> Int {
        guard hasResponded, !hasEnded, let front = life.front else { return 0 }
        if head.method != .head { life.bytesSent &+= bytes.byteCount }
        return front.write(bytes, self)
    }

    /// Bytes that may be held back before a handler should stop writing.
    public static let writeLimit = 65_536

    /// Ends the body.
    ///
    /// - Parameter trailers: fields after the body, where the protocol and the client have room for them.
    public func end(trailers: FieldBlock? = nil) {
        guard hasResponded, !hasEnded else { return }
        life.hasEnded = true
        life.front?.end(trailers: trailers, self)
    }

    /// Ends the exchange as failed: with the error's status where the head has not left, by cutting it where it has.
    ///
    /// - Parameters:
    ///   - error: what went wrong.
    ///   - allow: the value of an `Allow` field, for 405.
    ///   - contentRange: that of a `Content-Range` field, for 416.
    public func fail(
        _ error: ExchangeError,
        allow: UnsafeRawBufferPointer? = nil,
        contentRange: UnsafeRawBufferPointer? = nil
    ) {
        guard !hasEnded, hasResponded || !isTakenOver(isWhole: true, error) else { return }
        life.failure = error
        guard !hasResponded else {
            life.hasEnded = true
            life.front?.cut(self)
            return
        }
        response.reset()
        if let allow { response.fields.append(.allow, "allow", allow) }
        if let contentRange { response.fields.append(.other, "content-range", contentRange) }
        GatewayAnswer.write(error, for: self)
    }

    /// The request id: 36 characters of a fresh UUID, or what a trusted peer sent; valid until the exchange has ended.
    public var requestID: UnsafeRawBufferPointer {
        if life.requestIDLength == 0 {
            life.requestIDLength = 36
            identifiers.write(to: requestIDText)
        }
        return UnsafeRawBufferPointer(start: requestIDText, count: life.requestIDLength)
    }

    /// The address of the client as text: the peer's, or what trusted proxies say.
    public var clientAddress: UnsafeRawBufferPointer {
        guard let connection else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return client.text(head.fields, connection)
    }

    // MARK: What fronts call

    /// The head is complete: a new life for a recycled exchange.
    public func begin(_ front: any ExchangeFront, _ connection: ConnectionInfo, body: ExchangeBody) {
        begin(front, connection, connection.settings, body: body)
    }

    /// A new life, with other settings than those of the listener.
    func begin(
        _ front: any ExchangeFront,
        _ connection: ConnectionInfo,
        _ settings: ServerSettings,
        body: ExchangeBody
    ) {
        life.front = front
        life.connection = connection
        life.body = body
        life.startedAt = loop.now
        life.settings = settings
        settings.recorder.began()
        if connection.isTrusted { adoptRequestID() }
    }

    /// Body bytes have come.
    public func deliver(_ bytes: RawSpan) {
        life.bytesReceived &+= bytes.byteCount
        guard bytesReceived <= life.bodyLimit else { return failAndCancel(.bodyTooLarge) }
        if let detour = life.detour { detour.receive(bytes, whileWaiting: life.isWaiting, context) }
        handler?.received(bytes, of: self)
    }

    /// The body is whole.
    public func deliverEnd(trailers: FieldBlock?) {
        if let detour = life.detour { detour.receiveEnd(trailers) }
        handler?.receivedEnd(trailers: trailers, of: self)
    }

    /// What was held back has left.
    public func deliverWritable() { if !hasEnded { handler?.writable(self) } }

    /// Ends it from outside: the handler hears of it, the client is told where it can be.
    public func failAndCancel(_ error: ExchangeError) {
        if life.isWaiting { leaveDetour(error) }
        guard !hasEnded else { return }
        let handler = handler
        life.isCancelled = true
        handler?.cancelled(error, self)
        fail(error)
    }

    /// The client is gone: the handler hears of it, and nobody is told.
    public func cancel(_ error: ExchangeError) {
        if life.isWaiting { leaveDetour(error) }
        if !hasEnded {
            life.failure = error
            life.hasEnded = true
            handler?.cancelled(error, self)
        }
    }

    /// The response is whole, or cut: writes the log line and gives the exchange back.
    public func finish() {
        let settings = life.settings.take()
        settings?.recorder.ended(self)
        if alarm.isSet { alarm.cancel(on: loop) }
        if let place = life.place { place.leave() }
        if let detour = life.detour { detour.end(context) }
        life = Life()
        head.reset()
        response.reset()
        if !ranges.isEmpty { ranges.removeAll(keepingCapacity: true) }
        client.reset()
        currentID = ExchangeID(loop: id.loop, slot: id.slot, generation: id.generation + 1)
        table.giveBack(self)
    }

    /// A trusted peer may choose the id: 1 to 128 of `[A-Za-z0-9._-]` (architecture.md, section 6).
    private func adoptRequestID() {
        guard let value = head.fields.first(.xRequestID), (1...128).contains(value.count) else { return }
        for byte in value
        where !(ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2D) {
            return
        }
        take(requestID: value)
    }

    /// Takes an id of 1 to 128 bytes for its own.
    func take(requestID: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(start: requestIDText, count: requestID.count).copyMemory(from: requestID)
        life.requestIDLength = requestID.count
    }
}

// MARK: Another target

extension Exchange {
    /// Whether a target that needs the request's body can still get all of it.
    public var canReplayBody: Bool { body == .none || life.detour?.isComplete ?? false }

    /// The pages for answers of the gateway's own.
    var errorPages: ErrorPages? { life.route.map(\.errorPages) ?? life.settings?.errorPages }

    /// Asks who watches the route whether the answer that begins is to leave.
    ///
    /// Where it is not, the front is put aside, so that whatever its handler still writes goes nowhere; when the handler's
    /// callback has returned, ``flush()`` puts another answer in its place.
    @inline(__always)
    private func isTakenOver(isWhole: Bool, _ failure: ExchangeError? = nil) -> Bool {
        guard let watcher = life.route?.watcher else { return false }
        return isTakenOver(by: watcher, isWhole: isWhole, failure)
    }

    private func isTakenOver(by watcher: any AnswerWatcher, isWhole: Bool, _ failure: ExchangeError?) -> Bool {
        guard let target = life.target, !life.isCancelled, let front = life.front else { return false }
        let verdict = watcher.judge(self, from: target, failure)
        if case .pass = verdict { return false }
        makeDetour().takeover = Detour.Takeover(front: front, status: response.status, verdict: verdict)
        life.front = nil
        life.hasResponded = true
        life.hasEnded = isWhole
        life.isWaiting = true
        loop.flushSoon(self)
        return true
    }

    /// The client is gone, or must be told so, while nobody has the exchange.
    private func leaveDetour(_ error: ExchangeError) {
        guard let detour = life.detour else { return }
        life.isCancelled = true
        if let stage = detour.stage {
            stage.cancelled(self)
        } else if let takeover = detour.takeover {
            endOldAnswer(takeover, error)
        }
        detour.stage = nil
        detour.takeover = nil
        life.isWaiting = false
    }

    private func endOldAnswer(_ takeover: Detour.Takeover, _ error: ExchangeError) {
        if !life.hasEnded { life.target?.handler.cancelled(error, self) }
        life.front = takeover.front
        life.hasResponded = false
        life.hasEnded = false
        life.failure = nil
        life.state = nil
    }

    private func replay(_ detour: Detour) {
        guard detour.hasToReplay, !life.isWaiting, let handler else { return }
        let id = currentID
        var bytes = detour.takeKept(context)
        if !bytes.isEmpty { handler.received(bytes.readable.bytes, of: self) }
        guard currentID == id else { return }
        detour.putBack(&bytes, context)
        if detour.isWhole, !life.isWaiting { self.handler?.receivedEnd(trailers: detour.trailers, of: self) }
    }
}

extension Exchange: Flushable {
    /// Puts another answer in the place of one that was taken over.
    public func flush() {
        guard let detour = life.detour, let takeover = detour.takeover else { return }
        detour.takeover = nil
        endOldAnswer(takeover, .takenOver)
        life.isWaiting = false
        switch takeover.verdict {
        case .pass: break
        case .replace(let page):
            life.isCancelled = true
            page.replaceAnswer(takeover.status, of: self)
        case .hand(let target):
            response.reset()
            life.queueNanoseconds = 0
            life.runNanoseconds = -1
            let missed = detour.beginReplay(received: bytesReceived)
            if missed > 0 { life.front?.consumed(missed, self) }
            hand(to: target)
        }
    }
}

extension Exchange: TimerTarget {
    /// The route's timeout has passed.
    public func expired(_ timer: Timer) { if alarm.hasCome(on: loop) { failAndCancel(.timedOut) } }
}
