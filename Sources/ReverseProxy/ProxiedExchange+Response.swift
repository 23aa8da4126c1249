import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import PenstockTransport

/// The upstream's side: what comes of a try, and whether there is another one.
extension ProxiedExchange: ClientStreamObserver {
    func connected() {
        upstream.metrics.connected()
        if let exchange, let connection = current.connection { begin(exchange, connection) }
    }

    func writable() { giveCredit() }

    func informed(_ head: ResponseHead) {
        // 100 was answered when the connection was there.
        guard head.status != 100, let exchange, exchange.inform(head) > Exchange.writeLimit else { return }
        current.connection?.pause()
    }

    func received(_ head: ResponseHead) {
        guard let exchange, let endpoint = current.endpoint else { return }
        let now = upstream.loop.now
        upstream.metrics.answered(head.status, nanoseconds: now - current.sentAt)
        let condition = RetrySettings.Conditions(status: head.status)
        note(isFailure: condition != [], endpoint)
        if condition != [], mayTryAgain(on: condition, exchange) {
            current.connection?.cancel()
            exchange.response.reset()
            return tryAgain(exchange, after: endpoint)
        }
        if alarm.isSet { alarm.cancel(on: upstream.loop) }
        releaseBody()
        if let sticky = upstream.sticky { sticky.write(endpoint.stickyValue, to: exchange) }
        if upstream.forwarding.viaOfResponses { sayVia(exchange.response) }
        head.status == 101 ? acceptTunnel(exchange) : exchange.respond(end: false)
    }

    /// Says that the response came through the gateway (RFC 9110 §7.6.3).
    private func sayVia(_ response: ResponseHead) {
        response.fields.append(.via, "via", response.minorVersion == 0 ? "1.0 penstock" : "1.1 penstock")
    }

    private func acceptTunnel(_ exchange: Exchange) {
        guard WebSocketHandshake.isAccepted(exchange.response, of: exchange.head) else {
            current.connection?.cancel()
            return failed(ClientFailure(.malformed, "101 with a wrong Sec-WebSocket-Accept"))
        }
        exchange.acceptTunnel()
    }

    func received(_ bytes: RawSpan) {
        guard let exchange else { return }
        let held = exchange.write(bytes)
        guard held > Exchange.writeLimit, held > responseBuffer else { return }
        current.connection?.pause()
    }

    private var responseBuffer: Int { upstream.context.hasRoomToBuffer ? settings.responseBuffer : 0 }

    func receivedEnd(trailers: FieldBlock?) {
        guard let exchange else { return }
        exchange.runNanoseconds = upstream.loop.now - current.sentAt
        recycle(exchange)
        exchange.end(trailers: trailers)
    }

    func failed(_ failure: ClientFailure) {
        guard let exchange, let endpoint = current.endpoint else { return }
        upstream.metrics.failed(failure)
        if !exchange.hasResponded { exchange.response.reset() }
        if isStale(failure, exchange) {
            wasStale = true
            upstream.metrics.retried()
            endTry()
            return attempt(exchange, endpoint, reusing: false)
        }
        if failure.kind == .exhausted {
            upstream.status.exhausted(failure.reason, at: upstream.loop.now)
        } else {
            note(isFailure: true, endpoint)
        }
        if !failure.answered, mayTryAgain(on: RetrySettings.Conditions(failure.kind), exchange) {
            return tryAgain(exchange, after: endpoint, at: failure.kind == .connect ? upstream.loop.now : nil)
        }
        give(up: failure, exchange)
    }

    private func give(up failure: ClientFailure, _ exchange: Exchange) {
        if phase == .relaying, !exchange.hasResponded { upstream.metrics.unanswered() }
        exchange.runNanoseconds = upstream.loop.now - current.sentAt
        recycle(exchange)
        exchange.fail(failure.exchangeError)
    }

    /// The outcome of a try, for health and breaker.
    private func note(isFailure: Bool, _ endpoint: Endpoint) {
        let status = upstream.status
        let now = upstream.loop.now
        status.record(isFailure: isFailure, endpoint.status, on: upstream.loop.index, at: now)
        status.recordForBreaker(isFailure: isFailure, wasProbe: isProbe, on: upstream.loop.index, at: now)
    }

    // MARK: Another try

    /// Whether the upstream closed an idle connection while the request was on its way to it (RFC 9112 §9.3.1).
    private func isStale(_ failure: ClientFailure, _ exchange: Exchange) -> Bool {
        failure.kind == .closed && failure.wasReused && !failure.answered && !wasStale && !bodyIsGone
            && (exchange.head.method.isIdempotent || settings.retries.anyMethod)
    }

    private func mayTryAgain(on condition: RetrySettings.Conditions, _ exchange: Exchange) -> Bool {
        let retrySettings = settings.retries
        guard retries < retrySettings.attempts, !bodyIsGone, !retrySettings.on.isDisjoint(with: condition) else {
            return false
        }
        // Without a connection nothing of it can have had an effect (RFC 9110 §9.2.2).
        guard phase == .connecting || retrySettings.anyMethod || isRepeatable(exchange) else { return false }
        return upstream.takeRetry()
    }

    private func isRepeatable(_ exchange: Exchange) -> Bool {
        exchange.head.method.isIdempotent || exchange.head.fields.contains("idempotency-key")
    }

    /// Begins another try at a `moment`, or after a pause.
    private func tryAgain(_ exchange: Exchange, after endpoint: Endpoint, at moment: Instant? = nil) {
        upstream.metrics.retried()
        retries += 1
        tried.append(endpoint)
        endTry()
        let hasOther = tried.count < upstream.endpointCount
        let pause = moment != nil && hasOther ? 0 : upstream.pause(before: retries, settings.retries)
        guard pause > 0 else { return attempt(exchange) }
        phase = .pausing
        alarm.set(at: upstream.loop.now + pause, on: upstream.loop)
    }
}

extension ProxiedExchange: TimerTarget {
    func expired(_ timer: Timer) {
        guard alarm.hasCome(on: upstream.loop), let exchange else { return }
        if phase == .pausing { return attempt(exchange) }
        current.connection?.cancel()
        current.dial?.cancel()
        failed(ClientFailure(.perTryTimeout, "timeouts.per_try"))
    }
}

extension RetrySettings.Conditions {
    /// What a response's status is, if it is a failure.
    init(status: Int) {
        switch status {
        case 502: self = .badGateway
        case 503: self = .unavailable
        case 504: self = .gatewayTimeout
        default: self = []
        }
    }

    init(_ kind: ClientFailure.Kind) {
        switch kind {
        case .connect, .connectTimeout: self = .connect
        case .closed: self = .reset
        case .firstByteTimeout, .perTryTimeout: self = .timeout
        case .exhausted, .idleTimeout, .malformed: self = []
        }
    }
}

extension ClientFailure {
    /// What the client and the log are told (architecture.md, section 6).
    var exchangeError: ExchangeError {
        switch kind {
        case .connect, .closed, .malformed:
            ExchangeError(.upstream, status: 502, message: "Bad Gateway", reason: reason)
        case .exhausted:
            ExchangeError(.gateway, status: 503, message: "Service Unavailable", reason: reason, retryAfter: 1)
        case .connectTimeout, .firstByteTimeout, .perTryTimeout, .idleTimeout:
            ExchangeError(.upstream, status: 504, message: "Gateway Timeout", reason: reason)
        }
    }
}
