import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import PenstockTransport

/// One exchange on its way through an upstream: the client's side on one hand, the upstream's on the other.
///
/// It goes from phase to phase, and from a failed try back to ``Phase/idle``; what concerns one try alone is in ``Try``.
final class ProxiedExchange {
    /// Where it is.
    enum Phase {
        /// Nothing is under way: before the first try, or between two.
        case idle
        /// The request's body is collected, so that a slow client keeps no upstream waiting.
        case collecting
        /// Other requests have to end first.
        case waiting
        /// A retry comes soon.
        case pausing
        /// There is no connection yet.
        case connecting
        /// The request goes to the upstream, the response to the client.
        case relaying
    }

    /// What is forgotten when a try has failed.
    struct Try {
        var endpoint: Endpoint?
        var connection: ClientConnection?
        var dial: Dial?
        var sentAt = Instant.never
    }

    private unowned(unsafe) let handler: ProxyHandler  // the exchange's route keeps it
    let upstream: Upstream
    let settings: RelaySettings
    @exclusivity(unchecked) unowned(unsafe) var exchange: Exchange?  // its loop keeps it
    @exclusivity(unchecked) var phase = Phase.idle
    @exclusivity(unchecked) var current = Try()

    /// What the client has sent and no upstream has answered: kept for another try as long as all of it is here.
    @exclusivity(unchecked) var body = ByteBuffer()
    @exclusivity(unchecked) private var bodyIsWhole = false
    @exclusivity(unchecked) private var trailers: FieldBlock?

    /// Whether a part of the body has left that is not kept: then there is no other try.
    @exclusivity(unchecked) var bodyIsGone = false

    /// Bytes of the body whose credit the client gets when there is room again.
    @exclusivity(unchecked) private var owed = 0

    @exclusivity(unchecked) var retries = 0
    @exclusivity(unchecked) var wasStale = false
    @exclusivity(unchecked) var tried: [Endpoint] = []
    @exclusivity(unchecked) var isProbe = false

    /// Whether the client asks for a WebSocket, and may have one.
    @exclusivity(unchecked) private(set) var mayUpgrade = false
    @exclusivity(unchecked) private var hasPlace = false
    @exclusivity(unchecked) private var waiter: PlaceWaiter?
    @exclusivity(unchecked) var alarm = Alarm()

    init(handler: ProxyHandler) {
        self.handler = handler
        upstream = handler.upstream
        settings = handler.settings
        alarm.target = self
    }

    // MARK: Before the first try

    func start(_ exchange: Exchange) {
        self.exchange = exchange
        upstream.earnRetries()
        mayUpgrade = settings.allowsWebSocket && WebSocketHandshake.isAsked(by: exchange.head)
        if exchange.body != .none, settings.requestBuffer > 0, upstream.context.hasRoomToBuffer {
            phase = .collecting
            exchange.sendContinue()
        } else {
            enter(exchange)
        }
    }

    /// Asks for a place among the upstream's requests.
    private func enter(_ exchange: Exchange) {
        guard let limit = upstream.status.limit else { return admit(exchange) }
        if limit.enter() {
            hasPlace = true
            return admit(exchange)
        }
        let waiter = PlaceWaiter(on: upstream.loop) { [unowned self] hasPlace in decided(hasPlace) }
        phase = .waiting
        switch limit.enqueue(waiter) {
        case .entered:
            hasPlace = true
            admit(exchange)
        case .waiting: self.waiter = waiter
        case .full: refuse(.noCapacity("the queue of the upstream is full", retryAfter: 1))
        }
    }

    private func decided(_ hasPlace: Bool) {
        waiter = nil
        guard let exchange else { return }
        exchange.queueNanoseconds = upstream.loop.now - exchange.startedAt
        self.hasPlace = hasPlace
        if hasPlace { return admit(exchange) }
        refuse(.noCapacity("queue.wait of the upstream", retryAfter: 1))
    }

    /// Asks the circuit breaker.
    private func admit(_ exchange: Exchange) {
        guard let breaker = upstream.status.breaker else { return attempt(exchange) }
        switch breaker.judge(at: exchange.now) {
        case .pass: attempt(exchange)
        case .probe:
            isProbe = true
            attempt(exchange)
        case .refuse:
            refuse(.noCapacity("the circuit breaker is open", retryAfter: breaker.retryAfter(at: exchange.now)))
        }
    }

    /// Ends it without a try.
    func refuse(_ error: ExchangeError) {
        guard let exchange else { return }
        recycle(exchange)
        exchange.fail(error)
    }

    // MARK: The client's side

    func send(_ bytes: RawSpan) {
        let count = bytes.byteCount
        switch phase {
        case .relaying: relay(bytes)
        case .collecting:
            keep(bytes)
            exchange?.consumed(count)
            guard body.count >= settings.requestBuffer || !upstream.context.hasRoomToBuffer else { return }
            if let exchange { enter(exchange) }
        case .idle, .waiting, .pausing, .connecting:
            keep(bytes)
            owed += count
        }
    }

    private func keep(_ bytes: RawSpan) {
        upstream.context.buffered += bytes.byteCount
        body.append(bytes)
    }

    private func relay(_ bytes: RawSpan) {
        guard let connection = current.connection else { return }
        bodyIsGone = true
        let held = connection.write(bytes)
        if held > Exchange.writeLimit || owed > 0 {
            owed += bytes.byteCount
        } else {
            exchange?.consumed(bytes.byteCount)
        }
    }

    func sendEnd(_ trailers: FieldBlock?) {
        bodyIsWhole = true
        switch phase {
        case .relaying: current.connection?.end(trailers: trailers)
        case .collecting:
            self.trailers = trailers
            if let exchange { enter(exchange) }
        case .idle, .waiting, .pausing, .connecting: self.trailers = trailers
        }
    }

    func resume() { current.connection?.resume() }

    func cancel(_ exchange: Exchange) {
        waiter?.cancel()
        current.connection?.cancel()
        current.dial?.cancel()
        if phase == .relaying, !exchange.hasResponded { upstream.metrics.unanswered() }
        recycle(exchange)
    }

    // MARK: A try

    func attempt(_ exchange: Exchange) {
        guard let endpoint = upstream.choose(for: exchange, after: tried) else {
            return refuse(
                ExchangeError(
                    .upstream,
                    status: 503,
                    message: "Service Unavailable",
                    reason: "the upstream has no endpoint",
                    retryAfter: 1
                )
            )
        }
        attempt(exchange, endpoint, reusing: true)
    }

    func attempt(_ exchange: Exchange, _ endpoint: Endpoint, reusing: Bool) {
        current.endpoint = endpoint
        current.sentAt = upstream.loop.now
        if upstream.countsRequests { endpoint.status.began() }
        if let limit = settings.perTry { alarm.set(at: upstream.loop.now + limit, on: upstream.loop) }
        if reusing, let connection = endpoint.pool.reuse(for: self) {
            current.connection = connection
            sendHead(exchange, endpoint, connection)
            begin(exchange, connection)
        } else if endpoint.pools.count == 1 {
            phase = .connecting
            let connection = endpoint.pool.connect(for: self)
            current.connection = connection
            sendHead(exchange, endpoint, connection)
        } else {
            phase = .connecting
            current.dial = Dial(endpoint, on: upstream.loop) { [unowned self] in dialed($0) }
        }
    }

    private func dialed(_ result: Result<ClientConnection, ClientFailure>) {
        current.dial = nil
        guard let exchange, let endpoint = current.endpoint else { return }
        switch result {
        case .success(let connection):
            current.connection = connection
            connection.hand(to: self)
            sendHead(exchange, endpoint, connection)
            connected()
        case .failure(let failure): failed(failure)
        }
    }

    /// A body that is here as a whole goes with its length, however it came.
    private func framing(_ exchange: Exchange) -> ExchangeBody {
        let isWhole = bodyIsWhole && trailers?.count ?? 0 == 0
        return exchange.body == .stream && isWhole ? .length(body.count) : exchange.body
    }

    private func sendHead(_ exchange: Exchange, _ endpoint: Endpoint, _ connection: ClientConnection) {
        let framing = framing(exchange)
        connection.begin(exchange.head.method, body: framing, into: exchange.response, mayUpgrade: mayUpgrade)
        RequestForwarding.write(
            exchange,
            upstream.forwarding,
            authority: endpoint.status.description.authority,
            body: framing,
            isUpgrade: mayUpgrade,
            to: &connection.output
        )
    }

    /// The connection is there: what has come of the body goes with the head.
    func begin(_ exchange: Exchange, _ connection: ClientConnection) {
        phase = .relaying
        exchange.sendContinue()
        if !body.isEmpty {
            _ = connection.write(body.readable.bytes)
            if !bodyIsWhole {
                bodyIsGone = true
                releaseBody()
            }
        }
        if bodyIsWhole { connection.end(trailers: trailers) }
        giveCredit()
    }

    func giveCredit() {
        guard owed > 0 else { return }
        let count = owed
        owed = 0
        exchange?.consumed(count)
    }

    func releaseBody() {
        guard body.capacity > 0 else { return }
        upstream.context.buffered -= body.count
        body.release()
    }

    // MARK: The end

    /// What is left of a try that is over.
    func endTry() {
        if alarm.isSet { alarm.cancel(on: upstream.loop) }
        if upstream.countsRequests { current.endpoint?.status.ended() }
        current = Try()
        phase = .idle
    }

    func recycle(_ exchange: Exchange) {
        self.exchange = nil
        endTry()
        if hasPlace {
            hasPlace = false
            upstream.status.limit?.leave()
        }
        waiter = nil
        releaseBody()
        phase = .idle
        bodyIsWhole = false
        bodyIsGone = false
        trailers = nil
        owed = 0
        retries = 0
        wasStale = false
        isProbe = false
        if !tried.isEmpty { tried.removeAll() }
        handler.recycle(self)
        exchange.state = nil
    }
}

extension ExchangeError {
    /// The upstream may not be asked now.
    static func noCapacity(_ reason: String, retryAfter: Int) -> ExchangeError {
        ExchangeError(
            .upstream,
            status: 503,
            message: "Service Unavailable",
            reason: reason,
            retryAfter: retryAfter
        )
    }
}
