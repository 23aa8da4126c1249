import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import PenstockTransport

/// Asks one endpoint again and again, each time on a connection of its own.
final class HealthProbe {
    let endpoint: EndpointStatus
    private let settings: ActiveHealthSettings
    private let loop: EventLoop
    private let connections: Endpoint
    private let decided: (String?) -> Void
    private var dial: Dial?
    private var connection: ClientConnection?
    private let head = ResponseHead()
    private var body = ByteBuffer()
    private var counts = ProbeCounts()
    private var isAsking = false
    private var random = RandomSource()
    private let timer = Timer()

    /// What of a body is looked at, in bytes.
    private static let bodyLimit = 65_536

    /// Begins to ask.
    ///
    /// - Parameters:
    ///   - endpoint: whom.
    ///   - settings: what, and how often.
    ///   - context: that of the loop.
    ///   - decided: told what the endpoint's health is when that is clear: `nil`, or why it is out.
    init(
        _ endpoint: EndpointStatus,
        _ settings: ActiveHealthSettings,
        context: LoopContext,
        decided: @escaping (String?) -> Void
    ) {
        self.endpoint = endpoint
        self.settings = settings
        self.decided = decided
        loop = context.loop
        var timeouts = ClientTimeouts()
        timeouts.connect = settings.timeout
        timeouts.firstByte = settings.timeout
        connections = Endpoint(
            endpoint,
            pools: endpoint.description.addresses.map {
                ConnectionPool(address: $0, capacity: 0, timeouts: timeouts, context: context)
            }
        )
        timer.target = self
        loop.set(timer, at: loop.now)
    }

    /// Asks no more.
    func stop() {
        loop.cancel(timer)
        giveUp()
    }

    private func giveUp() {
        dial?.cancel()
        dial = nil
        connection?.cancel()
        connection = nil
        isAsking = false
        body.release()
    }

    private func ask() {
        isAsking = true
        loop.set(timer, at: loop.now + settings.timeout)
        dial = Dial(connections, on: loop) { [unowned self] in dialed($0) }
    }

    private func dialed(_ result: Result<ClientConnection, ClientFailure>) {
        dial = nil
        switch result {
        case .failure(let failure): failed(failure)
        case .success(let connection):
            self.connection = connection
            guard case .http(let path, let host, _, _) = settings.probe else { return end(nil) }
            connection.hand(to: self)
            connection.begin(.get, body: .none, into: head)
            var request = """
                GET \(path) HTTP/1.1\r
                host: \(host ?? endpoint.description.authority)\r
                user-agent: penstock health check\r
                connection: close\r
                \r

                """
            request.withUTF8 { connection.output.append(UnsafeRawBufferPointer($0)) }
        }
    }

    /// One answer is there; `failure` is what is wrong with it.
    private func end(_ failure: String?) {
        guard isAsking else { return }
        giveUp()
        switch counts.add(isGood: failure == nil, settings) {
        case true?: decided(nil)
        case false?: decided(failure ?? "")
        case nil: break
        }
        askLater()
    }

    private func askLater() {
        let tenth = Int(settings.interval / 10)
        loop.set(timer, at: loop.now + settings.interval + Int64(random.next(below: 2 * tenth + 1) - tenth))
    }

    private func judgeBody() -> String? {
        guard case .http(_, _, _, let wanted?) = settings.probe else { return nil }
        let text = Array(body.readable)
        let bytes = Array(wanted.utf8)
        let isThere = text.indices.contains { text[$0...].starts(with: bytes) }
        return isThere ? nil : "its body has no '\(wanted)' in it"
    }
}

extension HealthProbe: ClientStreamObserver {
    func connected() {}
    func informed(_ head: ResponseHead) {}
    func writable() {}

    func received(_ head: ResponseHead) {
        guard case .http(_, _, let statuses, let body) = settings.probe else { return }
        guard statuses.contains(where: { $0.contains(head.status) }) else { return end("status \(head.status)") }
        if body == nil { end(nil) }
    }

    func received(_ bytes: RawSpan) {
        guard body.count < Self.bodyLimit else { return }
        body.append(bytes)
        if judgeBody() == nil { end(nil) }
    }

    func receivedEnd(trailers: FieldBlock?) {
        connection = nil
        end(judgeBody())
    }

    func failed(_ failure: ClientFailure) {
        connection = nil
        guard failure.kind != .exhausted else {
            giveUp()
            return askLater()
        }
        end(failure.reason)
    }
}

extension HealthProbe: TimerTarget {
    func expired(_ timer: Timer) {
        if isAsking { end("no answer in time") } else { ask() }
    }
}

/// How often in a row an endpoint's answers were good, or bad.
struct ProbeCounts {
    private var good = 0
    private var bad = 0
    private var isFirst = true

    /// Counts an answer; the very first decides at once.
    ///
    /// - Returns: whether the endpoint is well, where that is clear now.
    mutating func add(isGood: Bool, _ settings: ActiveHealthSettings) -> Bool? {
        good = isGood ? good + 1 : 0
        bad = isGood ? 0 : bad + 1
        defer { isFirst = false }
        if isGood { return isFirst || good >= settings.healthy ? true : nil }
        return isFirst || bad >= settings.unhealthy ? false : nil
    }
}
