import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem

/// Bytes out.
extension HTTP1Server: ExchangeFront {
    func respond(_ exchange: Exchange, end: Bool) {
        sendHead(exchange, end: end)
        if end { self.end(exchange) }
    }

    func respond(_ exchange: Exchange, body: RawSpan) {
        sendHead(exchange, end: true)
        if case .length = outgoing { send(body) }
        end(exchange)
    }

    private func sendHead(_ exchange: Exchange, end: Bool) {
        let head = exchange.head
        let response = exchange.response
        if let failure = exchange.failure, failure.closesConnection { keepsAlive = false }
        if isBodyInDoubt(head, end) { keepsAlive = false }
        let framing = framing(of: response, for: head, end: end)
        if case .untilClose = framing { keepsAlive = false }
        outgoing = hasNoBody(response, head) ? .none : Self.outgoing(framing)
        encodeHead(of: exchange, framing: framing)
    }

    private func encodeHead(of exchange: Exchange, framing: MessageFraming) {
        let response = exchange.response
        let serverField = settings.serverField
        ResponseEncoder.encode(
            response,
            framing: framing,
            keepAlive: keepsAlive,
            requestMinorVersion: exchange.head.minorVersion,
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
        case .head, .tunnel, .complete, .closed: false
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

    func acceptTunnel(_ exchange: Exchange) {
        keepsAlive = false
        incoming = .tunnel
        outgoing = .untilClose
        encodeHead(of: exchange, framing: .none)
        connection.setReadDeadline(.never)
        connection.resumeInput()
    }

    func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int {
        if exchange.head.minorVersion >= 1 { ResponseEncoder.encodeInterim(head, to: &connection.output) }
        return holding()
    }

    func sendContinue(_ exchange: Exchange) {
        switch incoming {
        case .body, .chunks:
            guard !hasContinued else { return }
            hasContinued = true
            connection.output.append("HTTP/1.1 100 Continue\r\n\r\n")
        case .head, .tunnel, .complete, .closed: break
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
        end(exchange)
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
