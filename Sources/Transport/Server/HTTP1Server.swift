import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem

/// HTTP/1.x on a client's connection (RFC 9112): one exchange after the other.
final class HTTP1Server: ServerCodec {
    /// Where the request that is being read stands.
    enum Incoming {
        /// Between two requests, or inside a head.
        case head
        /// Inside a body, of which so many bytes are missing.
        case body(Int)
        /// Inside a chunked body.
        case chunks
        /// Bytes of another protocol, until the client ends them.
        case tunnel
        /// The request is whole, its response is not.
        case complete
        /// Nothing more is read: the connection ends.
        case closed
    }

    /// How the body of the response goes out.
    enum Outgoing {
        case none
        case length(Int)
        case chunked
        case untilClose
    }

    /// Its owner, which lets go of it when it is closed.
    let connection: ServerConnection
    let info: ConnectionInfo
    let context: LoopContext
    let exchanges: ExchangeTable
    let date: DateField
    @exclusivity(unchecked) private var parser: RequestParser
    @exclusivity(unchecked) private var parsedWith: ServerSettings
    @exclusivity(unchecked) private var chunks = ChunkedDecoder(limits: HeadLimits())
    @exclusivity(unchecked) private var trailers: FieldBlock?
    @exclusivity(unchecked) var incoming = Incoming.head
    @exclusivity(unchecked) var outgoing = Outgoing.none
    @exclusivity(unchecked) unowned(unsafe) var exchange: Exchange?  // its loop keeps it for ever
    @exclusivity(unchecked) var unconsumed = 0
    @exclusivity(unchecked) var keepsAlive = true
    @exclusivity(unchecked) private var isDraining = false
    @exclusivity(unchecked) var isInsideHead = false
    @exclusivity(unchecked) var hasContinued = false
    @exclusivity(unchecked) private(set) var hasServed: Bool
    @exclusivity(unchecked) var discarded = 0
    @exclusivity(unchecked) var rate = BodyRate()

    /// Bytes of a body that may be under way before its handler has given credit back.
    static let credit = 65_536

    /// Bytes of an unwanted body that are read so that the connection can be kept.
    static let discardLimit = 262_144

    /// - Parameters:
    ///   - connection: its owner.
    ///   - hasServed: whether the connection has had requests before.
    init(connection: ServerConnection, hasServed: Bool = false) {
        self.hasServed = hasServed
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

    var settings: ServerSettings { info.settings }

    /// The deadlines of the route, once there is one.
    var timeouts: ServerTimeouts { exchange?.timeouts ?? settings.timeouts }

    var writeTimeout: Int64 { timeouts.write }

    // MARK: Bytes in

    var isIdle: Bool {
        if case .head = incoming { return !isInsideHead }
        return false
    }

    func wantsInput(hasRoom: Bool) -> Bool {
        if hasRoom, unconsumed < Self.credit { return true }
        return switch incoming {
        case .head: connection.held < Exchange.writeLimit
        case .closed: true
        case .body, .chunks, .tunnel: unconsumed < Self.credit
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
            case .tunnel: taken = receiveTunnelled(rest)
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
        let settings = settings
        let exchange = self.exchange ?? takeExchange(settings)
        self.exchange = exchange
        do throws(RequestError) {
            guard let length = try parser.parse(bytes.bytes, into: exchange.head) else {
                guard !connection.hasInputEnded else { throw RequestError.malformedRequestLine }
                waitForHead(exchange, bytes.count)
                return 0
            }
            begin(exchange, settings)
            return length
        } catch {
            refuseHead(ExchangeError(error))
            return bytes.count
        }
    }

    /// An exchange for the head that begins, which is read as the listener says now.
    private func takeExchange(_ settings: ServerSettings) -> Exchange {
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

    private func begin(_ exchange: Exchange, _ settings: ServerSettings) {
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
            exchange.begin(self, info, settings, body: .none)
        case .length(let length):
            incoming = .body(length)
            exchange.begin(self, info, settings, body: .length(length))
        case .chunked:
            incoming = .chunks
            chunks = ChunkedDecoder(limits: settings.limits)
            if trailers == nil { trailers = FieldBlock() }
            exchange.begin(self, info, settings, body: .stream)
        }
        if exchange.body != .none { startBodyClock() }
        connection.isRefused ? exchange.fail(.noConnections) : settings.handler.handle(exchange)
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
            refuseBody(ExchangeError(error), lingering: true)
            return bytes.count
        }
    }

    private func receiveTunnelled(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard unconsumed < Self.credit, let exchange else { return 0 }
        unconsumed &+= bytes.count
        exchange.deliver(bytes.bytes)
        return bytes.count
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        rate.count(bytes.count, at: connection.now)
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
        case .head where !isInsideHead:
            // Requests that came before the end may wait until the client has taken the answers before.
            if !connection.hasUnreadInput { close(lingering: false) }
        case .head:
            refuseHead(ExchangeError(.malformedRequestLine))
        case .body, .chunks:
            refuseBody(.endedInsideBody, lingering: false)
        case .tunnel:
            guard !connection.hasUnreadInput else { return }
            incoming = .complete
            exchange?.deliverEnd(trailers: nil)
        case .complete: if !connection.hasUnreadInput { keepsAlive = false }
        case .closed: break
        }
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
    static let lastChance: Int64 = 1_000_000_000

    func close(lingering: Bool) {
        incoming = .closed
        connection.setReadDeadline(.never)
        connection.finish(lingering: lingering)
    }

    /// The exchange is over; what is left of the request is read and dropped, so that the next one can be found.
    func end(_ exchange: Exchange) {
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
        case .head, .tunnel, .closed: close(lingering: !connection.hasInputEnded)
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
