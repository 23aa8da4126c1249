import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import PenstockTransport

/// One exchange on its way through an upstream: the client's side on one hand, the upstream's on the other.
final class ProxiedExchange: ClientStreamObserver {
    private unowned(unsafe) let handler: ProxyHandler  // the exchange's route keeps it
    private let upstream: Upstream
    @exclusivity(unchecked) private unowned(unsafe) var exchange: Exchange?  // its loop keeps it
    @exclusivity(unchecked) private var connection: ClientConnection?
    @exclusivity(unchecked) private var endpoint = 0
    @exclusivity(unchecked) private var sentAt = Instant.never

    /// Body bytes that came before there was a connection: kept, so that another address may be tried.
    @exclusivity(unchecked) private var early = ByteBuffer()
    @exclusivity(unchecked) private var isConnected = false
    @exclusivity(unchecked) private var bodyIsWhole = false
    @exclusivity(unchecked) private var bodyWasSent = false
    @exclusivity(unchecked) private var trailers: FieldBlock?
    @exclusivity(unchecked) private var owed = 0
    @exclusivity(unchecked) private var attempts = 0

    init(handler: ProxyHandler) {
        self.handler = handler
        upstream = handler.upstream
    }

    func start(_ exchange: Exchange) {
        self.exchange = exchange
        sentAt = exchange.loop.now
        endpoint = upstream.choose()
        attempt(reusing: true)
    }

    private func attempt(reusing: Bool) {
        guard let exchange else { return }
        attempts += 1
        let pool = upstream.pool(of: endpoint)
        if reusing, let connection = pool.reuse(for: self) {
            self.connection = connection
            sendHead(exchange, connection)
            begin()
        } else {
            isConnected = false
            let connection = pool.connect(for: self)
            self.connection = connection
            sendHead(exchange, connection)
        }
    }

    private func sendHead(_ exchange: Exchange, _ connection: ClientConnection) {
        connection.begin(exchange.head.method, body: exchange.body, into: exchange.response)
        RequestForwarding.write(exchange, to: &connection.output)
    }

    // MARK: The client's side

    func send(_ bytes: RawSpan) {
        guard let connection, isConnected else {
            early.append(bytes)
            owed += bytes.byteCount
            return
        }
        bodyWasSent = true
        let held = connection.write(bytes)
        if held > Exchange.writeLimit || owed > 0 {
            owed += bytes.byteCount
        } else {
            exchange?.consumed(bytes.byteCount)
        }
    }

    func sendEnd(_ trailers: FieldBlock?) {
        bodyIsWhole = true
        if isConnected { connection?.end(trailers: trailers) } else { self.trailers = trailers }
    }

    func resume() { connection?.resume() }

    func cancel() {
        connection?.cancel()
        if isConnected, exchange?.hasResponded == false { handler.upstream.metrics.unanswered() }
        recycle()
    }

    // MARK: The upstream's side

    func connected() {
        handler.upstream.metrics.connected()
        begin()
    }

    private func begin() {
        isConnected = true
        guard let exchange, let connection else { return }
        exchange.sendContinue()
        if !early.isEmpty {
            bodyWasSent = true
            _ = connection.write(early.readable.bytes)
            early.removeAll()
        }
        if bodyIsWhole { connection.end(trailers: trailers) }
        writable()
    }

    func writable() {
        guard owed > 0 else { return }
        let count = owed
        owed = 0
        exchange?.consumed(count)
    }

    func informed(_ head: ResponseHead) {
        // 100 was answered when the connection was there.
        guard head.status != 100, let exchange, exchange.inform(head) > Exchange.writeLimit else { return }
        connection?.pause()
    }

    func received(_ head: ResponseHead) {
        guard let exchange else { return }
        handler.upstream.metrics.answered(head.status, nanoseconds: exchange.loop.now - sentAt)
        exchange.respond(end: false)
    }

    func received(_ bytes: RawSpan) {
        guard let exchange, exchange.write(bytes) > Exchange.writeLimit else { return }
        connection?.pause()
    }

    func receivedEnd(trailers: FieldBlock?) {
        guard let exchange else { return }
        exchange.runNanoseconds = exchange.loop.now - sentAt
        recycle()
        exchange.end(trailers: trailers)
    }

    func failed(_ failure: ClientFailure) {
        guard let exchange else { return }
        let pool = connection?.pool
        connection = nil
        let metrics = handler.upstream.metrics
        metrics.failed(failure)
        if !exchange.hasResponded { exchange.response.reset() }
        if canRetry(failure, exchange) {
            metrics.retried()
            let wasStale = failure.kind == .closed
            if !wasStale, let pool {
                upstream.skip(pool, of: endpoint)
                endpoint = upstream.alternative(to: endpoint)
            }
            return attempt(reusing: !wasStale)
        }
        if isConnected, !exchange.hasResponded { metrics.unanswered() }
        exchange.runNanoseconds = exchange.loop.now - sentAt
        recycle()
        exchange.fail(failure.exchangeError)
    }

    /// Whether nothing of the request can have been processed, or processing it twice does no harm.
    private func canRetry(_ failure: ClientFailure, _ exchange: Exchange) -> Bool {
        guard !failure.answered, !bodyWasSent, attempts <= upstream.addressCount else { return false }
        switch failure.kind {
        case .connect: return attempts < upstream.addressCount
        // The upstream closed an idle connection while the request was on its way to it (RFC 9112 §9.3.1).
        case .closed: return failure.wasReused && exchange.head.method.isIdempotent
        case .connectTimeout, .firstByteTimeout, .idleTimeout, .malformed: return false
        }
    }

    private func recycle() {
        exchange?.state = nil
        exchange = nil
        connection = nil
        if early.capacity > 0 { early.release() }
        isConnected = false
        bodyIsWhole = false
        bodyWasSent = false
        trailers = nil
        owed = 0
        attempts = 0
        handler.recycle(self)
    }
}

extension ClientFailure {
    /// What the client and the log are told (architecture.md, section 6).
    var exchangeError: ExchangeError {
        switch kind {
        case .connect, .closed, .malformed:
            ExchangeError(.upstream, status: 502, message: "Bad Gateway", reason: reason)
        case .connectTimeout, .firstByteTimeout, .idleTimeout:
            ExchangeError(.upstream, status: 504, message: "Gateway Timeout", reason: reason)
        }
    }
}
