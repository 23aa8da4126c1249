import Glibc
public import PenstockBytes
public import PenstockHTTP
public import PenstockNetworking
import PenstockObservability
public import PenstockSystem

/// A connection to an upstream (HTTP/1.1): one request at a time, lent to an observer and given back to its pool.
///
/// A connection on which anything odd happened is closed, never used again.
public final class ClientConnection: EventSource, TimerTarget, Sender {
    enum Phase { case connecting, idle, busy, closed }

    /// Where the response that is being read stands.
    enum Incoming { case head, length(Int), chunks, untilClose }

    /// Where it goes when it is idle.
    public let pool: ConnectionPool

    private let loop: EventLoop
    private let buffers: BufferPool
    @exclusivity(unchecked) private var descriptor: Int32 = -1
    @exclusivity(unchecked) var observer: (any ClientStreamObserver)?
    @exclusivity(unchecked) private var alarm = Alarm()

    @exclusivity(unchecked) var phase = Phase.connecting {
        didSet {
            guard let gauges = pool.gauges else { return }
            if oldValue == .busy { gauges.busy.add(-1) } else if oldValue == .idle { gauges.idle.add(-1) }
            if phase == .busy { gauges.busy.add(1) } else if phase == .idle { gauges.idle.add(1) }
        }
    }
    @exclusivity(unchecked) var incoming = Incoming.head
    @exclusivity(unchecked) var parser = ResponseParser(limits: HeadLimits())
    @exclusivity(unchecked) var chunks = ChunkedDecoder(limits: HeadLimits())
    @exclusivity(unchecked) var head = ResponseHead()
    lazy var trailers = FieldBlock()
    @exclusivity(unchecked) var input = ByteBuffer()
    @exclusivity(unchecked) private var pending = ByteBuffer()
    @exclusivity(unchecked) private var interest: Readiness = .writable
    @exclusivity(unchecked) var method = Method.get
    @exclusivity(unchecked) private var isChunked = false
    @exclusivity(unchecked) private(set) var mayUpgrade = false

    /// Whether 101 has come.
    @exclusivity(unchecked) private var isTunnel = false
    @exclusivity(unchecked) private var requestIsWhole = false
    @exclusivity(unchecked) private var isSendPlanned = false

    /// Whether it takes no more of the request.
    @exclusivity(unchecked) private var isDeaf = false

    /// Whether it broke while a request was sent: then its end is none (RFC 9112 §8).
    @exclusivity(unchecked) private var wasReset = false

    /// Whether the last read may have left bytes that nobody asked for, or an end: then no other request gets it.
    @exclusivity(unchecked) private var mayHaveMore = false
    @exclusivity(unchecked) private var isPaused = false
    @exclusivity(unchecked) private var hasAnswered = false
    @exclusivity(unchecked) private var wasReused = false
    @exclusivity(unchecked) private var wasHeld = false
    @exclusivity(unchecked) private var connectError: SystemError?

    init(pool: ConnectionPool, observer: any ClientStreamObserver) {
        self.pool = pool
        self.observer = observer
        loop = pool.context.loop
        buffers = pool.context.buffers
        alarm.target = self
        do throws(SystemError) {
            descriptor = try Socket.connect(to: pool.address).release()
            try loop.register(descriptor, self, interest.ofConnection(pool.address.family))
            alarm.set(at: loop.now + pool.timeouts.connect, on: loop)
        } catch {
            connectError = error
            retained = self
            alarm.set(at: loop.now, on: loop)
        }
    }

    /// Keeps a connection that is not registered alive until its timer has told its observer.
    @exclusivity(unchecked) private var retained: ClientConnection?

    deinit { if descriptor >= 0 { Socket.close(descriptor) } }

    // MARK: The request

    /// Begins a request; append its head to ``output``.
    ///
    /// - Parameters:
    ///   - method: decides how the end of the response is found.
    ///   - body: how the body goes out. For ``ExchangeBody/none`` the request is whole with its head.
    ///   - head: gets the head of the response, so that it need not be copied.
    ///   - mayUpgrade: whether 101 may come: then what follows it in both directions has no framing.
    public func begin(
        _ method: Method,
        body: ExchangeBody,
        into head: ResponseHead,
        mayUpgrade: Bool = false
    ) {
        self.method = method
        self.head = head
        isChunked = body == .stream
        self.mayUpgrade = mayUpgrade
        isTunnel = false
        requestIsWhole = body == .none
        isDeaf = false
        hasAnswered = false
        incoming = .head
        parser.reset()
        head.reset()
        if phase != .connecting { alarm.set(at: loop.now + pool.timeouts.firstByte, on: loop) }
    }

    /// What leaves when the round that runs now is over, or when there is a connection; append to it.
    public var output: ByteBuffer {
        _read { yield pending }
        _modify {
            if !hasOutput { buffers.lend(to: &pending) }
            if phase != .connecting, !interest.contains(.writable) { planSend() }
            yield &pending
        }
    }

    private var hasOutput: Bool { pending.capacity > 0 }

    private func planSend() {
        guard !isSendPlanned else { return }
        isSendPlanned = true
        loop.sendAfterRound(self)
    }

    /// Sends body bytes; all of them are taken.
    ///
    /// - Parameter bytes: valid during the call only.
    /// - Returns: the bytes held back; over ``Exchange/writeLimit``: stop until ``ClientStreamObserver/writable()``.
    public func write(_ bytes: RawSpan) -> Int {
        guard phase != .closed, !isDeaf, bytes.byteCount > 0 else { return 0 }
        if isChunked { ResponseEncoder.appendChunkHeader(bytes.byteCount, to: &output) }
        bytes.withUnsafeBytes { bytes in
            if bytes.count < 4096 || phase == .connecting || interest.contains(.writable) {
                output.append(bytes)
            } else {
                writeThrough(bytes)
            }
        }
        if phase != .closed, isChunked { output.append("\r\n") }
        let held = pending.count
        if held > Exchange.writeLimit { wasHeld = true }
        return held
    }

    /// Ends the body.
    public func end(trailers: FieldBlock?) {
        guard phase != .closed else { return }
        requestIsWhole = true
        touch()
        if isTunnel { return endTunnel() }
        if isChunked { ResponseEncoder.appendLastChunk(trailers: trailers, to: &output) }
    }

    /// 101 has come: what follows is no HTTP.
    func becomeTunnel() {
        isTunnel = true
        isChunked = false
        requestIsWhole = false
    }

    /// The upstream hears that the client sends no more, and may go on itself.
    private func endTunnel() {
        if !hasOutput, descriptor >= 0 { Socket.shutDownOutput(descriptor) }
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

    /// Tells another observer from now on.
    public func hand(to observer: any ClientStreamObserver) { self.observer = observer }

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
        if events.contains(.writable) { planSend() }
        guard phase != .closed, !events.isDisjoint(with: [.readable, .hungUp, .failed]) else { return }
        if isPaused, events.isDisjoint(with: [.hungUp, .failed]) { return }
        mayHaveMore = events.mayLeaveMore
        receive()
    }

    private func finishConnecting() {
        let code = Socket.pendingError(of: descriptor)
        guard code == 0 else { return fail(.connect, SystemError(call: "connect", errno: code).description) }
        phase = .busy
        alarm.set(at: loop.now + pool.timeouts.firstByte, on: loop)
        interest = .readable
        loop.watch(descriptor, interest.ofConnection(pool.address.family))
        observer?.connected()
        if hasOutput { planSend() }
    }

    private func receive() {
        let count: Int?
        do throws(SystemError) {
            count = try Socket.receive(descriptor, into: loop.input)
        } catch {
            return fail(.closed, error.description)
        }
        guard let count else { return }
        guard count > 0 else { return receiveEnd() }
        if count == loop.input.count { mayHaveMore = true }
        if mayHaveMore { loop.watch(descriptor, interest.ofConnection(pool.address.family)) }
        guard phase == .busy else { return close() }  // bytes that nobody asked for
        hasAnswered = true
        feed(UnsafeRawBufferPointer(rebasing: loop.input[..<count]))
    }

    private func receiveEnd() {
        guard phase == .busy else { return close() }
        if case .untilClose = incoming, !wasReset { return complete(trailers: nil, reusable: false) }
        fail(.closed, hasAnswered ? "the upstream cut its response" : "the upstream closed without a response")
    }

    /// Silence begins anew.
    func touch() {
        let limit = hasAnswered ? pool.timeouts.idle : pool.timeouts.firstByte
        alarm.set(at: loop.now + limit, on: loop)
    }

    /// The response is whole: the observer hears of it when the connection is out of its hands.
    func complete(trailers: FieldBlock?, reusable: Bool) {
        let observer = observer.take()
        let rest = idleTime
        if reusable, !mayHaveMore, head.keepsAlive, rest > 0, requestIsWhole, !hasOutput, keep() {
            alarm.set(at: loop.now + rest, on: loop)
        } else {
            close()
        }
        observer?.receivedEnd(trailers: trailers)
        trailers?.release()
    }

    /// How long it may be idle, in nanoseconds: a second less than the upstream says, so that no request crosses its end.
    private var idleTime: Int64 {
        let own = pool.timeouts.keepAlive
        guard let seconds = head.keepAliveSeconds, seconds - 1 < own / 1_000_000_000 else { return own }
        return Int64(max(0, seconds - 1)) * 1_000_000_000
    }

    private func keep() -> Bool {
        phase = .idle
        if isPaused {
            isPaused = false
            updateInterest()
        }
        return pool.keep(self)
    }

    func fail(_ kind: ClientFailure.Kind, _ reason: String) {
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
        alarm.cancel(on: loop)
        retained = nil
        input.release()
        if hasOutput { buffers.takeBack(&pending) }
        guard descriptor >= 0 else { return }
        let open = descriptor
        descriptor = -1
        loop.deregister(open)
        Socket.close(open)
    }

    public func expired(_ timer: Timer) {
        guard alarm.hasCome(on: loop) else { return }
        if let connectError {
            let isOurs = connectError.isExhaustion || connectError.errno == EADDRNOTAVAIL
            return fail(isOurs ? .exhausted : .connect, connectError.description)
        }
        switch phase {
        case .connecting: fail(.connectTimeout, "timeouts.connect")
        case .idle, .closed: close()
        case .busy:
            // The silence is not the upstream's: it waits for the client to take bytes, or to send them.
            if isPaused || (!requestIsWhole && !isTunnel && !isDeaf && !hasOutput) { return touch() }
            hasAnswered
                ? fail(.idleTimeout, "timeouts.idle of the upstream")
                : fail(.firstByteTimeout, "timeouts.first_byte")
        }
    }

    // MARK: Bytes out

    private func writeThrough(_ bytes: UnsafeRawBufferPointer) {
        do throws(SystemError) {
            let heldBefore = pending.count
            var sent = 0
            if heldBefore > 0 {
                sent = try Socket.send(descriptor, pending.readable, bytes)
                pending.consume(min(sent, heldBefore))
            } else {
                sent = try Socket.send(descriptor, bytes)
            }
            let taken = max(0, sent - heldBefore)
            if taken < bytes.count { output.append(UnsafeRawBufferPointer(rebasing: bytes[taken...])) }
            if sent > 0 { touch() }
        } catch {
            failSoon(error)
        }
    }

    public var unsent: (socket: Int32, bytes: UnsafeRawBufferPointer) {
        isSendPlanned = false
        return (descriptor, phase == .closed ? UnsafeRawBufferPointer(start: nil, count: 0) : pending.readable)
    }

    public func sent(_ count: Int, _ error: SystemError?) {
        if let error { return failSoon(error) }
        pending.consume(count)
        if count > 0, !requestIsWhole { touch() }
    }

    public func afterSending() {
        guard phase != .closed, hasOutput, !isSendPlanned else { return }
        guard pending.isEmpty else { return updateInterest() }
        buffers.takeBack(&pending)
        if isTunnel, requestIsWhole { endTunnel() }
        updateInterest()
        if wasHeld {
            wasHeld = false
            touch()
            observer?.writable()
        }
    }

    /// The upstream takes no more; what it answered before it closed is still to be read.
    private func failSoon(_ error: SystemError) {
        if hasOutput { buffers.takeBack(&pending) }
        requestIsWhole = false
        isDeaf = true
        // Behind a reset, further writes meet a broken pipe, as they do behind a proper end.
        if error.errno != EPIPE { wasReset = true }
        isPaused = false
        updateInterest()
    }

    private func updateInterest() {
        guard descriptor >= 0, phase != .connecting else { return }
        var wanted: Readiness = isPaused ? [] : .readable
        if hasOutput, !isSendPlanned { wanted.insert(.writable) }
        guard wanted != interest else { return }
        interest = wanted
        loop.watch(descriptor, wanted.ofConnection(pool.address.family))
    }
}
