import PenstockBytes
public import PenstockHTTP
public import PenstockNetworking
import PenstockObservability
import PenstockSystem

/// A connection to an upstream (HTTP/1.1): one request at a time, lent to an observer and given back to its pool.
///
/// A connection on which anything odd happened is closed, never used again.
public final class ClientConnection: EventSource, TimerTarget, Flushable {
    private enum Phase { case connecting, idle, busy, closed }

    /// Where the response that is being read stands.
    private enum Incoming { case head, length(Int), chunks, untilClose }

    private let pool: ConnectionPool
    private let context: LoopContext
    @exclusivity(unchecked) private var descriptor: Int32 = -1
    @exclusivity(unchecked) private var observer: (any ClientStreamObserver)?
    private let timer = Timer()

    @exclusivity(unchecked) private var phase = Phase.connecting {
        didSet {
            guard let gauges = pool.gauges else { return }
            if oldValue == .busy { gauges.busy.add(-1) } else if oldValue == .idle { gauges.idle.add(-1) }
            if phase == .busy { gauges.busy.add(1) } else if phase == .idle { gauges.idle.add(1) }
        }
    }
    @exclusivity(unchecked) private var incoming = Incoming.head
    @exclusivity(unchecked) private var parser = ResponseParser(limits: HeadLimits())
    @exclusivity(unchecked) private var chunks = ChunkedDecoder(limits: HeadLimits())
    @exclusivity(unchecked) private var head = ResponseHead()
    private lazy var trailers = FieldBlock()
    @exclusivity(unchecked) private var input = ByteBuffer()
    @exclusivity(unchecked) private var output: OutputBuffer?
    @exclusivity(unchecked) private var interest: Readiness = .writable
    @exclusivity(unchecked) private var method = Method.get
    @exclusivity(unchecked) private var isChunked = false
    @exclusivity(unchecked) private var requestIsWhole = false
    @exclusivity(unchecked) private var isFlushPlanned = false

    /// Whether it takes no more of the request.
    @exclusivity(unchecked) private var isDeaf = false
    @exclusivity(unchecked) private var isPaused = false
    @exclusivity(unchecked) private var hasAnswered = false
    @exclusivity(unchecked) private var wasReused = false
    @exclusivity(unchecked) private var wasHeld = false
    @exclusivity(unchecked) private var connectError: SystemError?

    init(pool: ConnectionPool, observer: any ClientStreamObserver) {
        self.pool = pool
        self.observer = observer
        context = pool.context
        timer.target = self
        do throws(SystemError) {
            descriptor = try Socket.connect(to: pool.address).release()
            try context.loop.register(descriptor, self, interest)
            context.loop.set(timer, at: context.loop.now + pool.timeouts.connect)
        } catch {
            connectError = error
            retained = self
            context.loop.set(timer, at: context.loop.now)
        }
    }

    /// Keeps a connection that is not registered alive until its timer has told its observer.
    @exclusivity(unchecked) private var retained: ClientConnection?

    deinit { if descriptor >= 0 { Socket.close(descriptor) } }

    // MARK: The request

    /// Begins a request; write its head into the buffer that it answers.
    ///
    /// - Parameters:
    ///   - method: decides how the end of the response is found.
    ///   - body: how the body goes out. For ``ExchangeBody/none`` the request is whole with its head.
    ///   - head: gets the head of the response, so that it need not be copied.
    /// - Returns: the buffer for the head; it leaves when the callback that runs now has returned.
    public func begin(_ method: Method, body: ExchangeBody, into head: ResponseHead) -> OutputBuffer {
        self.method = method
        self.head = head
        isChunked = body == .stream
        requestIsWhole = body == .none
        isDeaf = false
        hasAnswered = false
        incoming = .head
        parser.reset()
        head.reset()
        if phase != .connecting { context.loop.set(timer, at: context.loop.now + pool.timeouts.firstByte) }
        return prepareOutput()
    }

    /// Sends body bytes; all of them are taken.
    ///
    /// - Parameter bytes: valid during the call only.
    /// - Returns: the bytes held back; over ``Exchange/writeLimit``: stop until ``ClientStreamObserver/writable()``.
    public func write(_ bytes: RawSpan) -> Int {
        guard phase != .closed, bytes.byteCount > 0 else { return 0 }
        if isChunked { ResponseEncoder.appendChunkHeader(bytes.byteCount, to: &prepareOutput().bytes) }
        bytes.withUnsafeBytes { bytes in
            if bytes.count < 4096 || phase == .connecting || interest.contains(.writable) {
                prepareOutput().bytes.append(bytes)
            } else {
                writeThrough(bytes)
            }
        }
        if phase != .closed, isChunked { prepareOutput().bytes.append("\r\n") }
        let held = output?.bytes.count ?? 0
        if held > Exchange.writeLimit { wasHeld = true }
        return held
    }

    /// Ends the body.
    public func end(trailers: FieldBlock?) {
        guard phase != .closed else { return }
        requestIsWhole = true
        touch()
        if isChunked { ResponseEncoder.appendLastChunk(trailers: trailers, to: &prepareOutput().bytes) }
    }

    /// Stops reading the response: whoever gets it is slower than the upstream.
    public func pause() {
        isPaused = true
        updateInterest()
    }

    /// Goes on reading the response.
    public func resume() {
        guard isPaused else { return }
        isPaused = false
        touch()
        updateInterest()
    }

    /// Gives the request up; the observer hears nothing more.
    public func cancel() {
        observer = nil
        close()
    }

    func lend(to observer: any ClientStreamObserver) {
        self.observer = observer
        phase = .busy
        wasReused = true
    }

    func discard() { close() }

    // MARK: Events

    public func ready(_ events: Readiness) {
        if phase == .connecting {
            finishConnecting()
            return
        }
        if events.contains(.writable) { flush() }
        guard phase != .closed, !events.isDisjoint(with: [.readable, .hungUp, .failed]) else { return }
        if isPaused, events.isDisjoint(with: [.hungUp, .failed]) { return }
        receive()
    }

    private func finishConnecting() {
        let code = Socket.pendingError(of: descriptor)
        guard code == 0 else { return fail(.connect, SystemError(call: "connect", errno: code).description) }
        phase = .busy
        context.loop.set(timer, at: context.loop.now + pool.timeouts.firstByte)
        interest = .readable
        context.loop.watch(descriptor, interest)
        observer?.connected()
        if output != nil { flush() }
    }

    private func receive() {
        let count: Int?
        do throws(SystemError) {
            count = try Socket.receive(descriptor, into: context.loop.input)
        } catch {
            return fail(.closed, error.description)
        }
        guard let count else { return }
        guard count > 0 else { return receiveEnd() }
        guard phase == .busy else { return close() }  // bytes that nobody asked for
        hasAnswered = true
        feed(UnsafeRawBufferPointer(rebasing: context.loop.input[..<count]))
    }

    private func receiveEnd() {
        guard phase == .busy else { return close() }
        if case .untilClose = incoming { return complete(trailers: nil, reusable: false) }
        fail(.closed, hasAnswered ? "the upstream cut its response" : "the upstream closed without a response")
    }

    private func feed(_ bytes: UnsafeRawBufferPointer) {
        guard !input.isEmpty else { return process(bytes) }
        input.append(bytes)
        var whole = ByteBuffer()
        swap(&whole, &input)
        process(whole.readable)
    }

    /// Takes all of `bytes`; only an incomplete head or chunk line is kept.
    private func process(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while phase == .busy, offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch incoming {
            case .head:
                guard let taken = processHead(rest) else { return }
                offset &+= taken
            case .length(let missing):
                let count = min(missing, rest.count)
                incoming = .length(missing - count)
                observer?.received(UnsafeRawBufferPointer(rebasing: rest[..<count]).bytes)
                guard phase == .busy else { return }  // given up meanwhile
                offset &+= count
                if missing == count { return complete(trailers: nil, reusable: offset == bytes.count) }
            case .chunks:
                guard let taken = processChunks(rest) else { return }
                offset &+= taken
            case .untilClose:
                observer?.received(rest.bytes)
                offset = bytes.count
            }
        }
        if phase == .busy { touch() }
    }

    /// Reads a head; `nil`: more is needed, or it is over.
    private func processHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
        do throws(ResponseError) {
            guard let length = try parser.parse(bytes.bytes, requestMethod: method, into: head) else {
                input.append(bytes)
                touch()
                return nil
            }
            return accept(length, bytes.count)
        } catch {
            fail(.malformed, String(describing: error.reason))
            return nil
        }
    }

    private func accept(_ length: Int, _ available: Int) -> Int? {
        parser.reset()
        guard head.status >= 200 else {
            if head.status == 101 {
                fail(.malformed, "101 to a request that asked for no upgrade")
                return nil
            }
            observer?.informed(head)
            head.reset()
            return phase == .busy ? length : nil
        }
        switch head.framing {
        case .none: incoming = .length(0)
        case .length(let length): incoming = .length(length)
        case .chunked:
            incoming = .chunks
            chunks = ChunkedDecoder(limits: HeadLimits())
            trailers.removeAll()
        case .untilClose: incoming = .untilClose
        }
        let isWhole: Bool
        if case .length(0) = incoming { isWhole = true } else { isWhole = false }
        observer?.received(head)
        guard phase == .busy else { return nil }
        guard !isWhole else {
            complete(trailers: nil, reusable: length == available)
            return nil
        }
        return length
    }

    private func processChunks(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var offset = 0
        do throws(RequestError) {
            while phase == .busy {
                switch try chunks.next(bytes.bytes, offset: &offset, trailers: trailers) {
                case .data(let range): observer?.received(UnsafeRawBufferPointer(rebasing: bytes[range]).bytes)
                case .needMore:
                    if offset < bytes.count { input.append(UnsafeRawBufferPointer(rebasing: bytes[offset...])) }
                    touch()
                    return nil
                case .end:
                    complete(trailers: trailers, reusable: offset == bytes.count)
                    return nil
                }
            }
        } catch {
            fail(.malformed, String(describing: error.reason))
        }
        return nil
    }

    /// Silence begins anew.
    private func touch() {
        let limit = hasAnswered ? pool.timeouts.idle : pool.timeouts.firstByte
        context.loop.set(timer, at: context.loop.now + limit)
    }

    /// The response is whole: the observer hears of it when the connection is out of its hands.
    private func complete(trailers: FieldBlock?, reusable: Bool) {
        let observer = self.observer
        self.observer = nil
        if reusable, head.keepsAlive, requestIsWhole, output == nil, keep() {
            context.loop.set(timer, at: context.loop.now + pool.timeouts.keepAlive)
        } else {
            close()
        }
        observer?.receivedEnd(trailers: trailers)
    }

    private func keep() -> Bool {
        phase = .idle
        if isPaused {
            isPaused = false
            updateInterest()
        }
        return pool.keep(self)
    }

    private func fail(_ kind: ClientFailure.Kind, _ reason: String) {
        guard phase != .closed else { return }
        let observer = self.observer
        let failure = ClientFailure(kind: kind, reason: reason, answered: hasAnswered, wasReused: wasReused)
        self.observer = nil
        close()
        observer?.failed(failure)
    }

    private func close() {
        guard phase != .closed else { return }
        if phase == .idle { pool.forget(self) }
        phase = .closed
        context.loop.cancel(timer)
        retained = nil
        input.release()
        if let output {
            output.bytes.removeAll()
            context.buffers.giveBack(output)
            self.output = nil
        }
        guard descriptor >= 0 else { return }
        let open = descriptor
        descriptor = -1
        context.loop.deregister(open)
        Socket.close(open)
    }

    public func expired(_ timer: Timer) {
        if let connectError { return fail(.connect, connectError.description) }
        switch phase {
        case .connecting: fail(.connectTimeout, "timeouts.connect")
        case .idle, .closed: close()
        case .busy:
            // The silence is not the upstream's: it waits for the client to take bytes, or to send them.
            if isPaused || (!requestIsWhole && !isDeaf && output == nil) { return touch() }
            hasAnswered
                ? fail(.idleTimeout, "timeouts.idle of the upstream")
                : fail(.firstByteTimeout, "timeouts.first_byte")
        }
    }

    // MARK: Bytes out

    private func prepareOutput() -> OutputBuffer {
        let buffer: OutputBuffer
        if let output {
            buffer = output
        } else {
            buffer = context.buffers.take()
            output = buffer
        }
        if !isFlushPlanned, phase != .connecting, !interest.contains(.writable) {
            isFlushPlanned = true
            context.loop.flushSoon(self)
        }
        return buffer
    }

    private func writeThrough(_ bytes: UnsafeRawBufferPointer) {
        do throws(SystemError) {
            let heldBefore = output?.bytes.count ?? 0
            var sent = 0
            if let output {
                sent = try Socket.send(descriptor, output.bytes.readable, bytes)
                output.bytes.consume(min(sent, heldBefore))
            } else {
                sent = try Socket.send(descriptor, bytes)
            }
            let taken = max(0, sent - heldBefore)
            if taken < bytes.count { prepareOutput().bytes.append(UnsafeRawBufferPointer(rebasing: bytes[taken...])) }
            if sent > 0 { touch() }
        } catch {
            failSoon(error)
        }
    }

    public func flush() {
        isFlushPlanned = false
        guard phase != .closed, phase != .connecting, let output else { return }
        do throws(SystemError) {
            let sent = try Socket.send(descriptor, output.bytes.readable)
            output.bytes.consume(sent)
            if sent > 0, !requestIsWhole { touch() }
        } catch {
            return failSoon(error)
        }
        guard output.bytes.isEmpty else { return updateInterest() }
        self.output = nil
        context.buffers.giveBack(output)
        updateInterest()
        if wasHeld {
            wasHeld = false
            touch()
            observer?.writable()
        }
    }

    /// The upstream takes no more; what it answered before it closed is still to be read.
    private func failSoon(_ error: SystemError) {
        output?.bytes.removeAll()
        if let output { context.buffers.giveBack(output) }
        output = nil
        requestIsWhole = false
        isDeaf = true
        isPaused = false
        updateInterest()
    }

    private func updateInterest() {
        guard descriptor >= 0, phase != .connecting else { return }
        var wanted: Readiness = isPaused ? [] : .readable
        if output != nil, !isFlushPlanned { wanted.insert(.writable) }
        guard wanted != interest else { return }
        interest = wanted
        context.loop.watch(descriptor, wanted)
    }
}
