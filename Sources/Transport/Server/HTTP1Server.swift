import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem

/// HTTP/1.x on a client's connection (RFC 9112): one exchange after the other.
final class HTTP1Server: ServerCodec {
    /// Where the request that is being read stands.
    private enum Incoming {
        /// Between two requests, or inside a head.
        case head
        /// Inside a body, of which so many bytes are missing.
        case body(Int)
        /// Inside a chunked body.
        case chunks
        /// The request is whole, its response is not.
        case complete
        /// Nothing more is read: the connection ends.
        case closed
    }

    /// How the body of the response goes out.
    private enum Outgoing {
        case none
        case length(Int)
        case chunked
        case untilClose
    }

    /// Its owner, which lets go of it when it is closed.
    private let connection: ServerConnection
    private let info: ConnectionInfo
    private let context: LoopContext
    private let exchanges: ExchangeTable
    private let date: DateField
    @exclusivity(unchecked) private var parser: RequestParser
    @exclusivity(unchecked) private var parsedWith: ServerSettings
    @exclusivity(unchecked) private var chunks = ChunkedDecoder(limits: HeadLimits())
    @exclusivity(unchecked) private var trailers: FieldBlock?
    @exclusivity(unchecked) private var incoming = Incoming.head
    @exclusivity(unchecked) private var outgoing = Outgoing.none
    @exclusivity(unchecked) private unowned(unsafe) var exchange: Exchange?  // its loop keeps it for ever
    @exclusivity(unchecked) private var unconsumed = 0
    @exclusivity(unchecked) private var keepsAlive = true
    @exclusivity(unchecked) private var isDraining = false
    @exclusivity(unchecked) private var isInsideHead = false
    @exclusivity(unchecked) private var hasContinued = false
    @exclusivity(unchecked) private(set) var hasServed = false
    @exclusivity(unchecked) private var discarded = 0
    @exclusivity(unchecked) private var rate = BodyRate()

    /// Bytes of a body that may be under way before its handler has given credit back.
    private static let credit = 65_536

    /// Bytes of an unwanted body that are read so that the connection can be kept.
    private static let discardLimit = 262_144

    init(connection: ServerConnection) {
        self.connection = connection
        info = connection.info
        context = connection.context
        exchanges = context.exchanges
        date = context.date
        parsedWith = info.settings
        parser = Self.parser(parsedWith)
    }

    private static func parser(_ settings: ServerSettings) -> RequestParser {
        RequestParser(
            limits: settings.limits,
            mergeSlashes: settings.mergeSlashes,
            rejectEncodedSlashes: settings.rejectEncodedSlashes
        )
    }

    private var settings: ServerSettings { info.settings }

    /// The deadlines of the route, once there is one.
    private var timeouts: ServerTimeouts { exchange?.timeouts ?? settings.timeouts }

    var writeTimeout: Int64 { timeouts.write }

    // MARK: Bytes in

    var isIdle: Bool {
        if case .head = incoming { return exchange == nil && !isInsideHead }
        return false
    }

    func wantsInput(hasRoom: Bool) -> Bool {
        if hasRoom, unconsumed < Self.credit { return true }
        return switch incoming {
        case .head: connection.held < Exchange.writeLimit
        case .closed: true
        case .body, .chunks: unconsumed < Self.credit
        case .complete: false
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let taken: Int
            switch incoming {
            case .head: taken = hasRoom ? receiveHead(rest) : 0
            case .body(let missing): taken = receiveBody(rest, missing)
            case .chunks: taken = receiveChunks(rest)
            case .complete: taken = 0
            case .closed: return bytes.count
            }
            if taken == 0 { break }
            offset &+= taken
        }
        return offset
    }

    /// Whether the client takes its answers, so that it may have another one; otherwise ``drained()`` reads on.
    private var hasRoom: Bool {
        guard connection.held >= Exchange.writeLimit else { return true }
        connection.tellsWhenDrained = true
        return false
    }

    private func receiveHead(_ bytes: UnsafeRawBufferPointer) -> Int {
        let exchange = self.exchange ?? takeExchange()
        self.exchange = exchange
        do throws(RequestError) {
            guard let length = try parser.parse(bytes.bytes, into: exchange.head) else {
                guard !connection.hasInputEnded else { throw RequestError.malformedRequestLine }
                waitForHead(exchange, bytes.count)
                return 0
            }
            begin(exchange)
            return length
        } catch {
            refuse(error, exchange)
            return bytes.count
        }
    }

    /// An exchange for the head that begins, which is read as the listener says now.
    private func takeExchange() -> Exchange {
        let settings = settings
        if settings !== parsedWith {
            parsedWith = settings
            parser = Self.parser(settings)
            info.judgeTrust()
        }
        return exchanges.take(for: context)
    }

    /// A small incomplete head is read again from its beginning, so that slow clients cost their bytes and no exchange.
    private func waitForHead(_ exchange: Exchange, _ count: Int) {
        if !isInsideHead {
            isInsideHead = true
            connection.setReadDeadline(connection.now + settings.timeouts.head)
        }
        guard count < 2048 else { return }
        parser.reset()
        self.exchange = nil
        giveBack(exchange)
    }

    /// Gives back an exchange that has not begun.
    private func giveBack(_ exchange: Exchange) {
        exchange.head.reset()
        exchanges.giveBack(exchange)
    }

    private func begin(_ exchange: Exchange) {
        parser.reset()
        isInsideHead = false
        connection.setReadDeadline(.never)
        let head = exchange.head
        keepsAlive = head.keepsAlive && !isDraining
        unconsumed = 0
        hasContinued = false
        hasServed = true
        switch head.framing {
        case .none, .untilClose:
            incoming = .complete
            exchange.begin(self, info, body: .none)
        case .length(let length):
            incoming = .body(length)
            exchange.begin(self, info, body: .length(length))
        case .chunked:
            incoming = .chunks
            chunks = ChunkedDecoder(limits: settings.limits)
            if trailers == nil { trailers = FieldBlock() }
            exchange.begin(self, info, body: .stream)
        }
        if exchange.body != .none { startBodyClock() }
        connection.isRefused ? exchange.fail(.noConnections) : exchange.start()
        if exchange.body != .none, self.exchange?.timeouts != nil { startBodyClock() }
    }

    private func receiveBody(_ bytes: UnsafeRawBufferPointer, _ missing: Int) -> Int {
        guard unconsumed < Self.credit else { return 0 }
        let count = min(missing, bytes.count)
        incoming = missing == count ? .complete : .body(missing - count)
        deliver(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        if case .complete = incoming { completeRequest(trailers: nil) }
        return count
    }

    private func receiveChunks(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let trailers else { return 0 }
        var offset = 0
        do throws(RequestError) {
            while unconsumed < Self.credit {
                guard case .chunks = incoming else { return offset }
                switch try chunks.next(bytes.bytes, offset: &offset, trailers: trailers) {
                case .data(let range): deliver(UnsafeRawBufferPointer(rebasing: bytes[range]))
                case .needMore: return offset
                case .end:
                    incoming = .complete
                    completeRequest(trailers: trailers)
                    return offset
                }
            }
            return offset
        } catch {
            refuseBody(error)
            return bytes.count
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        rate.count(bytes.count)
        guard let exchange else {
            discarded += bytes.count
            if discarded > Self.discardLimit { close(lingering: true) }
            return
        }
        unconsumed &+= bytes.count
        exchange.deliver(bytes.bytes)
    }

    /// The last byte of the request is here.
    private func completeRequest(trailers: FieldBlock?) {
        connection.setReadDeadline(.never)
        if let exchange {
            exchange.deliverEnd(trailers: trailers)
        } else {
            nextRequest()
        }
    }

    func receivedEnd() {
        switch incoming {
        case .head where exchange == nil && !isInsideHead:
            close(lingering: false)
        case .head:
            refuse(.malformedRequestLine, exchange ?? exchanges.take(for: context))
        case .body, .chunks:
            guard let exchange else { return close(lingering: false) }
            keepsAlive = false
            incoming = .closed
            exchange.failAndCancel(
                ExchangeError(
                    .client,
                    status: 400,
                    message: "Bad Request",
                    reason: "the connection ended inside the body",
                    closesConnection: true
                )
            )
        case .complete: if !connection.hasUnreadInput { keepsAlive = false }
        case .closed: break
        }
    }

    // MARK: Refusals

    /// A head that cannot be read: answered, logged, and the connection closed.
    private func refuse(_ error: RequestError, _ exchange: Exchange) {
        isInsideHead = false
        keepsAlive = false
        incoming = .closed
        self.exchange = exchange
        exchange.begin(self, info, body: .none)
        exchange.fail(
            ExchangeError(
                .client,
                status: error.status,
                message: StatusCode.reasonPhrase(error.status),
                reason: String(describing: error.reason),
                closesConnection: true
            )
        )
    }

    private func refuseBody(_ error: RequestError) {
        keepsAlive = false
        incoming = .closed
        guard let exchange else { return close(lingering: true) }
        exchange.failAndCancel(
            ExchangeError(
                .client,
                status: error.status,
                message: StatusCode.reasonPhrase(error.status),
                reason: String(describing: error.reason),
                closesConnection: true
            )
        )
    }

    // MARK: Deadlines

    private func startBodyClock() {
        discarded = 0
        rate.start(connection.now)
        connection.setReadDeadline(rate.deadline(timeouts))
    }

    func readExpired() {
        switch incoming {
        case .head where isInsideHead:
            refuseSlow(exchange ?? exchanges.take(for: context), "timeouts.head")
        case .head: close(lingering: false)
        case .body, .chunks: checkBodyRate()
        case .complete, .closed: break
        }
    }

    private func checkBodyRate() {
        // While its handler holds the client back, silence is not the client's.
        if unconsumed >= Self.credit { rate.start(connection.now) }
        guard let reason = rate.violation(connection.now, timeouts) else {
            return connection.setReadDeadline(rate.deadline(timeouts))
        }
        guard let exchange else { return close(lingering: false) }
        keepsAlive = false
        incoming = .closed
        exchange.failAndCancel(
            ExchangeError(.client, status: 408, message: "Request Timeout", reason: reason, closesConnection: true)
        )
    }

    private func refuseSlow(_ exchange: Exchange, _ reason: String) {
        isInsideHead = false
        keepsAlive = false
        incoming = .closed
        self.exchange = exchange
        exchange.begin(self, info, body: .none)
        exchange.fail(
            ExchangeError(.client, status: 408, message: "Request Timeout", reason: reason, closesConnection: true)
        )
    }

    // MARK: The connection's life

    func drained() {
        if let exchange { exchange.deliverWritable() } else { connection.resumeInput() }
    }

    func failed(_ error: ExchangeError) {
        incoming = .closed
        guard let exchange else { return }
        self.exchange = nil
        guard exchange.connection != nil else { return giveBack(exchange) }  // still inside its head
        exchange.cancel(error)
        exchange.finish()
    }

    func drain() {
        isDraining = true
        keepsAlive = false
        guard isIdle else { return }
        // A client that has just connected is about to ask; one that was served knows that a kept connection may end.
        if hasServed { close(lingering: false) } else { connection.setReadDeadline(connection.now + Self.lastChance) }
    }

    /// Nanoseconds that a new connection gets for its first request while the gateway ends.
    private static let lastChance: Int64 = 1_000_000_000

    private func close(lingering: Bool) {
        incoming = .closed
        connection.setReadDeadline(.never)
        connection.finish(lingering: lingering)
    }

    /// The exchange is over; what is left of the request is read and dropped, so that the next one can be found.
    private func endExchange() {
        guard let exchange else { return }
        self.exchange = nil
        let cannotGoOn = exchange.failure?.closesConnection ?? false
        exchange.finish()
        unconsumed = 0
        switch incoming {
        case .complete:
            keepsAlive && !cannotGoOn ? nextRequest() : close(lingering: connection.hasUnreadInput)
        case .body, .chunks:
            guard keepsAlive, !cannotGoOn else { return close(lingering: true) }
            discarded = 0
            connection.resumeInput()
        case .head, .closed: close(lingering: !connection.hasInputEnded)
        }
    }

    private func nextRequest() {
        guard keepsAlive, !connection.hasInputEnded || connection.hasUnreadInput else { return close(lingering: false) }
        incoming = .head
        trailers?.release()
        connection.setReadDeadline(connection.now + settings.timeouts.idle)
        connection.resumeInput()
    }
}

// MARK: Bytes out

extension HTTP1Server: ExchangeFront {
    func respond(_ exchange: Exchange, end: Bool) {
        sendHead(exchange, end: end)
        if end { endExchange() }
    }

    func respond(_ exchange: Exchange, body: RawSpan) {
        sendHead(exchange, end: true)
        if case .length = outgoing { send(body) }
        endExchange()
    }

    private func sendHead(_ exchange: Exchange, end: Bool) {
        let head = exchange.head
        let response = exchange.response
        if let failure = exchange.failure, failure.closesConnection { keepsAlive = false }
        if isBodyInDoubt(head, end) { keepsAlive = false }
        let framing = framing(of: response, for: head, end: end)
        let serverField = settings.serverField
        if case .untilClose = framing { keepsAlive = false }
        outgoing = hasNoBody(response, head) ? .none : Self.outgoing(framing)
        ResponseEncoder.encode(
            response,
            framing: framing,
            keepAlive: keepsAlive,
            requestMinorVersion: head.minorVersion,
            date: date.value(at: connection.now),
            server: serverField.isEmpty || response.omitsServer ? nil : serverField,
            requestID: exchange.requestID,
            to: &connection.output
        )
    }

    /// Whether the connection cannot be kept: the client may or may not send the body that it asked leave for, or
    /// would send more of it in vain than is worth reading.
    private func isBodyInDoubt(_ head: RequestHead, _ end: Bool) -> Bool {
        switch incoming {
        case .body(let missing): (head.expectsContinue && !hasContinued) || (end && missing > Self.discardLimit)
        case .chunks: head.expectsContinue && !hasContinued
        case .head, .complete, .closed: false
        }
    }

    private static func outgoing(_ framing: MessageFraming) -> Outgoing {
        switch framing {
        case .none: .none
        case .length(let length): .length(length)
        case .chunked: .chunked
        case .untilClose: .untilClose
        }
    }

    /// Whether the response has no body whatever its fields say (RFC 9112 §6.3).
    private func hasNoBody(_ response: ResponseHead, _ head: RequestHead) -> Bool {
        head.method == .head || response.status == 204 || response.status == 304
    }

    private func framing(of response: ResponseHead, for head: RequestHead, end: Bool) -> MessageFraming {
        if response.status == 204 || response.status == 304 { return .none }
        if let length = response.contentLength { return .length(length) }
        if end { return head.method == .head ? .none : .length(0) }
        return head.minorVersion >= 1 ? .chunked : .untilClose
    }

    func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int {
        if exchange.head.minorVersion >= 1 { ResponseEncoder.encodeInterim(head, to: &connection.output) }
        return holding()
    }

    func sendContinue(_ exchange: Exchange) {
        switch incoming {
        case .body, .chunks:
            hasContinued = true
            connection.output.append("HTTP/1.1 100 Continue\r\n\r\n")
        case .head, .complete, .closed: break
        }
    }

    func write(_ bytes: RawSpan, _ exchange: Exchange) -> Int {
        let count = bytes.byteCount
        guard count > 0 else { return connection.held }
        switch outgoing {
        case .none: return connection.held
        case .length(let missing):
            // What is over the length that the head has promised would be read as the next response.
            let fitting = min(count, missing)
            outgoing = .length(missing - fitting)
            send(bytes.extracting(first: fitting))
        case .chunked:
            ResponseEncoder.appendChunkHeader(count, to: &connection.output)
            send(bytes)
            ResponseEncoder.appendChunkEnd(to: &connection.output)
        case .untilClose: send(bytes)
        }
        return holding()
    }

    /// The bytes that are held back; where they are many, the exchange hears when they have left.
    private func holding() -> Int {
        let held = connection.held
        if held > Exchange.writeLimit { connection.tellsWhenDrained = true }
        return held
    }

    private func send(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { bytes in
            if bytes.count < 4096 {
                connection.output.append(bytes)
            } else {
                connection.writeThrough(bytes)
            }
        }
    }

    func end(trailers: FieldBlock?, _ exchange: Exchange) {
        switch outgoing {
        case .none, .untilClose: break
        case .length(let missing): if missing > 0 { return cut(exchange) }
        case .chunked:
            // Only a client that says so keeps them (RFC 9110 §10.1.4).
            let isWilling = exchange.head.fields.contains(.te, element: "trailers")
            ResponseEncoder.appendLastChunk(trailers: isWilling ? trailers : nil, to: &connection.output)
        }
        endExchange()
    }

    func consumed(_ count: Int, _ exchange: Exchange) {
        let wasPaused = unconsumed >= Self.credit
        unconsumed = max(0, unconsumed &- count)
        guard wasPaused, unconsumed < Self.credit else { return }
        rate.start(connection.now)
        connection.resumeInput()
    }

    func cut(_ exchange: Exchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        incoming = .closed
        exchange.finish()
        // A body that ends with the connection would look whole: only a reset says that it is not.
        if case .untilClose = outgoing { connection.reset() } else { connection.finish(lingering: false) }
    }
}
