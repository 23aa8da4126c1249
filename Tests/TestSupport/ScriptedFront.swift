internal import Glibc
public import PenstockHTTP
internal import PenstockNetworking
public import PenstockTransport

/// A second way into handlers beside HTTP/1: bodies come and go in small steps, so that nothing depends on how a socket
/// delivers them.
///
/// It lives on the test's own thread, which also runs the loop, a round at a time.
public final class ScriptedFront {
    /// What the loop shares.
    public let context: LoopContext

    /// How many unconsumed bytes of a request's body are under way at most.
    public var window = 7

    /// How many bytes of a response's body the client takes at a time; the rest is held.
    public var step = 16_384

    /// Seconds until an exchange that has not ended is given up.
    public var patience = 20.0

    private let info: ConnectionInfo
    private let recorder = Recorder()

    /// A front for one handler.
    ///
    /// - Parameters:
    ///   - handler: the first handler of every exchange.
    ///   - listener: the listener's number.
    ///   - trusted: whether the client may speak for others.
    /// - Throws: an error of the system.
    public init(_ handler: any Handler, listener: Int = 0, trusted: Bool = false) throws {
        context = LoopContext(loop: try EventLoop(index: 0))
        let settings = ServerSettings(
            name: "script",
            index: listener,
            limits: HeadLimits(),
            trusts: { _ in trusted },
            handler: handler,
            recorder: recorder
        )
        let peer = SocketAddress(ipv4: [192, 0, 2, 1], port: 4711)
        info = ConnectionInfo(peer: peer, listener: ListenerState(settings))
    }

    deinit { context.loop.close() }

    /// Sends a request and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - head: request line and fields, with a line feed behind each; a `Host` is added where there is none.
    ///   - body: sent as far as the handler gives credit for it.
    /// - Returns: what came back.
    public func answer(_ head: String, body: [UInt8] = []) -> ScriptedAnswer {
        let script = begin(head, body: body)
        let deadline = Patience.now() + patience
        while !script.isOver, Patience.now() < deadline {
            script.advance()
            runLoop()
            if !script.isOver { usleep(100) }
        }
        return script.answer
    }

    /// Sends a head, and leaves it to the test when the rest happens.
    public func begin(_ head: String, body: [UInt8] = []) -> Script {
        let script = Script(front: self, body: body)
        script.start(Self.wire(head, body), info)
        return script
    }

    /// Runs the loop until it has nothing to do at once.
    public func runLoop() {
        context.loop.stop()
        context.loop.run()
    }

    /// Why the last exchange failed, for the log.
    public var lastFailure: String? { recorder.lastFailure }

    /// The bytes of a head on a connection for one request.
    static func wire(_ head: String, _ body: [UInt8]) -> [UInt8] {
        var lines = head.split(separator: "\n").map(String.init)
        if !lines.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: example.com") }
        if !body.isEmpty { lines.append("Content-Length: \(body.count)") }
        lines.append("Connection: close")
        lines[0] += " HTTP/1.1"
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private final class Recorder: ExchangeRecorder {
        var lastFailure: String?

        func ended(_ exchange: Exchange) { lastFailure = exchange.failure?.reason }
    }

    /// One request, and what has come back of its answer.
    public final class Script: ExchangeFront {
        /// What has come back.
        public private(set) var answer = ScriptedAnswer()

        /// Whether nothing more will come back.
        public var isOver: Bool { exchange == nil && held == 0 }

        private let front: ScriptedFront
        private var body: ArraySlice<UInt8>
        private var unconsumed = 0
        private var held = 0
        private var hasBody = true
        private var hasSentEnd = false
        private var exchange: Exchange?

        fileprivate init(front: ScriptedFront, body: [UInt8]) {
            self.front = front
            self.body = body[...]
            hasSentEnd = body.isEmpty
        }

        fileprivate func start(_ wire: [UInt8], _ info: ConnectionInfo) {
            let exchange = front.context.takeExchange()
            self.exchange = exchange
            var parser = RequestParser(limits: HeadLimits(), mergeSlashes: false, rejectEncodedSlashes: false)
            do throws(RequestError) {
                guard try parser.parse(wire.span.bytes, into: exchange.head) == wire.count else {
                    preconditionFailure("not a whole head: \(String(decoding: wire, as: UTF8.self))")
                }
            } catch {
                // No handler sees what a codec refuses.
                exchange.begin(self, info, body: .none)
                let message = StatusCode.reasonPhrase(error.status)
                let reason = "\(error.reason)"
                return exchange.fail(ExchangeError(.client, status: error.status, message: message, reason: reason))
            }
            exchange.begin(self, info, body: body.isEmpty ? .none : .length(body.count))
            exchange.settings?.handler.handle(exchange)
        }

        /// The next step of both bodies.
        public func advance() {
            if let exchange, !hasSentEnd, unconsumed < front.window {
                let piece = body.prefix(front.window - unconsumed)
                body = body.dropFirst(piece.count)
                unconsumed += piece.count
                if !piece.isEmpty { Array(piece).withUnsafeBytes { exchange.deliver($0.bytes) } }
                if body.isEmpty, !hasSentEnd {
                    hasSentEnd = true
                    if self.exchange != nil { exchange.deliverEnd(trailers: nil) }
                }
            }
            take()
        }

        /// Lets the client take one step of what is held for it.
        public func take() {
            guard held > 0 else { return }
            held -= min(held, front.step)
            if held == 0 { exchange?.deliverWritable() }
        }

        /// The client goes away.
        public func leave() {
            guard let exchange else { return }
            self.exchange = nil
            held = 0
            answer.isCut = true
            exchange.cancel(.clientGone)
            exchange.finish()
        }

        // MARK: ExchangeFront

        public func respond(_ exchange: Exchange, end: Bool) {
            let response = exchange.response
            answer.status = response.status
            answer.contentLength = response.contentLength
            answer.omitsServer = response.omitsServer
            for index in 0..<response.fields.count where response.fields[index].id != .removed {
                let field = response.fields[index]
                let name = String(decoding: response.fields.name(field), as: UTF8.self)
                answer.fields.append((name, String(decoding: response.fields.value(field), as: UTF8.self)))
            }
            hasBody = exchange.head.method != .head && response.status != 204 && response.status != 304
            if end { finish() }
        }

        public func respond(_ exchange: Exchange, body: RawSpan) {
            respond(exchange, end: false)
            _ = write(body, exchange)
            finish()
        }

        public func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int {
            answer.interim.append(head.status)
            return held
        }

        public func write(_ bytes: RawSpan, _ exchange: Exchange) -> Int {
            guard hasBody else { return held }
            bytes.withUnsafeBytes { answer.body += $0 }
            held += bytes.byteCount
            return held
        }

        public func end(trailers: FieldBlock?, _ exchange: Exchange) { finish() }

        public func consumed(_ count: Int, _ exchange: Exchange) { unconsumed = max(0, unconsumed - count) }

        public func sendContinue(_ exchange: Exchange) { answer.interim.append(100) }

        public func acceptTunnel(_ exchange: Exchange) { respond(exchange, end: false) }

        public func cut(_ exchange: Exchange) {
            answer.isCut = true
            finish()
        }

        private func finish() {
            guard let exchange else { return }
            self.exchange = nil
            answer.isWhole = !answer.isCut
            exchange.finish()
        }
    }
}
