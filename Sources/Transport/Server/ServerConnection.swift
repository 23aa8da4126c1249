import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem

/// What turns the bytes of a client's connection into exchanges; it never touches the socket.
protocol ServerCodec: AnyObject {
    /// Takes bytes, as many as it can use now; the connection keeps the rest and offers it again.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Int

    /// Whether the client is to be read from: the codec could use more bytes, or there is room for what it cannot use now
    /// and its handler does not hold the client back.
    func wantsInput(hasRoom: Bool) -> Bool

    /// Whether nothing is under way, so that the connection may be closed without loss.
    var isIdle: Bool { get }

    /// Nanoseconds that the client may take none of the bytes that wait for it.
    var writeTimeout: Int64 { get }

    /// Whether there was a request.
    var hasServed: Bool { get }

    /// The client will send no more.
    func receivedEnd()

    /// Everything that was held back has been sent, as ``ServerConnection/tellsWhenDrained`` has asked to hear.
    func drained()

    /// The deadline for reading has passed.
    func readExpired()

    /// The connection is lost.
    func failed(_ error: ExchangeError)

    /// Serve no further request than what is under way.
    func drain()
}

/// A client's connection: socket, buffers and deadlines.
///
/// Lives on one loop.
final class ServerConnection: EventSource, TimerTarget, Sender {
    /// How it ends.
    private enum Ending { case none, afterFlush(lingering: Bool), lingering }

    let context: LoopContext
    private let loop: EventLoop  // of the context, as the next: what is one step away is not counted at each use
    private let buffers: BufferPool
    let info: ConnectionInfo
    private let server: Server  // has it, too, until it is closed
    private let descriptor: Int32
    private let family: SocketAddress.Family
    @exclusivity(unchecked) private var alarm = Alarm()
    @exclusivity(unchecked) private var chosenCodec: (any ServerCodec)?

    @exclusivity(unchecked) private var input = ByteBuffer()
    @exclusivity(unchecked) private var pending = ByteBuffer()
    @exclusivity(unchecked) private var sendError: SystemError?
    @exclusivity(unchecked) private var interest = Readiness.readable
    @exclusivity(unchecked) private var ending = Ending.none
    @exclusivity(unchecked) private var readDeadline = Instant.never
    @exclusivity(unchecked) private var writeDeadline = Instant.never
    @exclusivity(unchecked) private var isReceiving = false
    @exclusivity(unchecked) private var isFeeding = false
    @exclusivity(unchecked) private var isSendPlanned = false
    @exclusivity(unchecked) private var hasSent = false
    @exclusivity(unchecked) private var isClosed = false
    @exclusivity(unchecked) private var ownsDescriptor = true
    @exclusivity(unchecked) private var inputHasEnded = false

    /// Whether the codec waits until everything has been sent.
    @exclusivity(unchecked) var tellsWhenDrained = false {
        didSet {
            if tellsWhenDrained != oldValue { context.slowReaders += tellsWhenDrained ? 1 : -1 }
        }
    }

    /// Its place in the server's list.
    @exclusivity(unchecked) var place = 0

    /// In which of the server's lists of idle connections it is: those that were served, or those that have just come.
    enum Idleness { case none, fresh, served }
    @exclusivity(unchecked) var idleness = Idleness.none
    @exclusivity(unchecked) var idleSince = Instant.never
    @exclusivity(unchecked) var isLightSleeper = false
    @exclusivity(unchecked) var idleBefore: IdleConnections.Link?
    @exclusivity(unchecked) var idleAfter: IdleConnections.Link?

    /// Whether there is no room for it: it is told so, once it has asked.
    private(set) var isRefused: Bool

    init(descriptor: consuming FileDescriptor, info: ConnectionInfo, server: Server, isRefused: Bool = false) {
        self.isRefused = isRefused
        self.descriptor = descriptor.release()
        self.info = info
        family = info.peer.family
        self.server = server
        context = server.context
        loop = context.loop
        buffers = context.buffers
        alarm.target = self
    }

    deinit { if ownsDescriptor { Socket.close(descriptor) } }

    func open() throws(SystemError) {
        try loop.register(descriptor, self, interest.ofConnection(family))
        setReadDeadline(loop.now + (isRefused ? Self.refusalTime : info.settings.timeouts.head))
    }

    /// Goes on with a connection that was asleep.
    func wake(hasServed: Bool, since: Instant) {
        let timeouts = info.settings.timeouts
        if hasServed { chosenCodec = HTTP1Server(connection: self, hasServed: true) }
        loop.replace(descriptor, with: self)
        setReadDeadline(since + (hasServed ? timeouts.idle : timeouts.head))
    }

    /// Lets go of an idle connection, of which nothing but its descriptor is left.
    ///
    /// - Returns: the descriptor, which the caller owns, and whether it was served; `nil` where it has to stay awake.
    func fallAsleep() -> (descriptor: Int32, hasServed: Bool)? {
        guard !isClosed, !isRefused, info.maySleep, interest == .readable, !inputHasEnded, isIdle else { return nil }
        let hasServed = codec.hasServed
        isClosed = true
        ownsDescriptor = false
        alarm.cancel(on: loop)
        chosenCodec = nil
        return (descriptor, hasServed)
    }

    /// Nanoseconds that a connection without room may take to ask.
    private static let refusalTime: Int64 = 1_000_000_000

    /// Who handles an event asks for it once and hands it on: each look counts a reference.
    private var codec: any ServerCodec {
        if let chosenCodec { return chosenCodec }
        let codec: any ServerCodec =
            info.isAwaitingHeader ? ProxyHeaderReader(connection: self) : HTTP1Server(connection: self)
        chosenCodec = codec
        return codec
    }

    /// The peer has said for whom it speaks.
    ///
    /// - Returns: what serves that client; `nil` where the connection is closed, because there is no room for it.
    func introduce(_ source: ProxyHeader.Source) -> (any ServerCodec)? {
        if !info.introduce(source) {
            isRefused = server.refuse(info)
            guard isRefused else {
                close()
                return nil
            }
        }
        setReadDeadline(loop.now + (isRefused ? Self.refusalTime : info.settings.timeouts.head))
        let codec = HTTP1Server(connection: self)
        chosenCodec = codec
        return codec
    }

    private var isIdle: Bool { input.isEmpty && !hasOutput && codec.isIdle }

    private func noteIdle(_ codec: any ServerCodec) {
        guard idleness == .none, !isRefused, !isClosed, input.isEmpty, !hasOutput else { return }
        if codec.isIdle { server.becameIdle(self, served: codec.hasServed) }
    }

    var now: Instant { loop.now }
    var hasInputEnded: Bool { inputHasEnded }
    var hasUnreadInput: Bool { !input.isEmpty }

    // MARK: In

    func ready(_ events: Readiness) {
        if events.contains(.writable) { planSend() }
        guard !isClosed, !events.isDisjoint(with: [.readable, .hungUp, .failed]) else { return }
        if inputHasEnded, events.isDisjoint(with: .readable) || !events.isDisjoint(with: [.hungUp, .failed]) {
            return lose("client reset the connection")
        }
        receive(mayLeaveMore: events.mayLeaveMore)
    }

    private func receive(mayLeaveMore: Bool = false) {
        let count: Int?
        do throws(SystemError) {
            count = try Socket.receive(descriptor, into: loop.input)
        } catch {
            return lose(error.description)
        }
        guard let count else { return }
        guard count > 0 else { return receiveEnd() }
        if mayLeaveMore || count == loop.input.count {
            loop.watch(descriptor, interest.ofConnection(family))
        }
        if case .lingering = ending { return }
        let codec = codec
        // What was written before in this round waits for its end, and what is written now goes along.
        let isAlone = !isSendPlanned
        isReceiving = isAlone
        feed(UnsafeRawBufferPointer(rebasing: loop.input[..<count]), to: codec)
        isReceiving = false
        if !isSendPlanned { noteIdle(codec) } else if isAlone { sendAlone() }
    }

    private func receiveEnd() {
        inputHasEnded = true
        if case .lingering = ending { return close() }
        let codec = codec
        updateInterest(codec)
        codec.receivedEnd()
    }

    private func feed(_ bytes: UnsafeRawBufferPointer, to codec: any ServerCodec) {
        if idleness != .none { server.becameBusy(self) }
        if input.isEmpty {
            isFeeding = true
            let taken = codec.receive(bytes)
            isFeeding = false
            if taken < bytes.count, !isClosed { input.append(UnsafeRawBufferPointer(rebasing: bytes[taken...])) }
        } else {
            input.append(bytes)
            feedInput(to: codec)
        }
        if !isSendPlanned { updateInterest(codec) }
    }

    private func feedInput(to codec: any ServerCodec) {
        isFeeding = true
        let taken = codec.receive(input.readable)
        isFeeding = false
        if isClosed { return input.release() }
        input.consume(taken)
        if input.isEmpty { input.release() }
    }

    /// Offers the codec again what it left, and reads on: epoll does not tell of bytes that were already read.
    func resumeInput() {
        guard !isFeeding, !isClosed else { return }
        let codec = codec
        if !input.isEmpty {
            feedInput(to: codec)
            // What came before the end has been used up only now.
            if inputHasEnded, input.isEmpty, !isClosed { codec.receivedEnd() }
        }
        if !isSendPlanned { updateInterest(codec) }
    }

    /// Tells the loop what to watch for; ``afterSending()`` does so, where something is to be sent.
    private func updateInterest(_ codec: any ServerCodec) {
        guard !isClosed else { return }
        var wanted: Readiness = hasOutput && !isSendPlanned ? .writable : []
        let hasRoom = input.isEmpty || input.count < info.settings.pipelineLimit
        if !inputHasEnded, codec.wantsInput(hasRoom: hasRoom) { wanted.insert(.readable) }
        guard wanted != interest else { return }
        interest = wanted
        loop.watch(descriptor, wanted.ofConnection(family))
    }

    // MARK: Out

    /// Bytes that have not left yet.
    var held: Int { pending.count }

    private var hasOutput: Bool { pending.capacity > 0 }

    /// What is to be sent when the request has been read that brings it, or else when the round is over; append to it.
    var output: ByteBuffer {
        _read { yield pending }
        _modify {
            if !hasOutput { buffers.lend(to: &pending) }
            if !interest.contains(.writable) { planSend() }
            yield &pending
        }
    }

    private func planSend() {
        guard !isSendPlanned else { return }
        isSendPlanned = true
        if !isReceiving { loop.sendAfterRound(self) }
    }

    /// What a request brought at once leaves at once: it wakes nobody on whom others wait, and its bytes are in the cache.
    private func sendAlone() {
        let (socket, bytes) = unsent
        do throws(SystemError) {
            if !bytes.isEmpty { sent(try Socket.send(socket, bytes), nil) }
        } catch {
            sent(0, error)
        }
        afterSending()
    }

    /// Sends what is held and then `bytes`, without a copy of what leaves at once.
    func writeThrough(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed else { return }
        if interest.contains(.writable) {
            output.append(bytes)
            return
        }
        do throws(SystemError) {
            let heldBefore = held
            var sent = 0
            if heldBefore > 0 {
                sent = try Socket.send(descriptor, pending.readable, bytes)
                pending.consume(min(sent, heldBefore))
            } else {
                sent = try Socket.send(descriptor, bytes)
            }
            let rest = bytes.count - max(0, sent - heldBefore)
            if rest > 0 {
                output.append(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - rest)...]))
            }
        } catch {
            // Its handler is in the middle of a write: it hears of the loss when that has returned.
            sendError = error
            planSend()
        }
    }

    var unsent: (socket: Int32, bytes: UnsafeRawBufferPointer) {
        isSendPlanned = false
        hasSent = false
        return (
            descriptor, isClosed || sendError != nil ? UnsafeRawBufferPointer(start: nil, count: 0) : pending.readable
        )
    }

    func sent(_ count: Int, _ error: SystemError?) {
        if let error { sendError = error }
        pending.consume(count)
        hasSent = count > 0
    }

    func afterSending() {
        guard !isClosed else { return }
        if let sendError { return lose(sendError.description) }
        guard hasOutput, !isSendPlanned else { return }
        let codec = codec
        if pending.isEmpty { return allSent(codec) }
        if hasSent || writeDeadline == .never { setWriteDeadline(now + codec.writeTimeout) }
        updateInterest(codec)
    }

    private func allSent(_ codec: any ServerCodec) {
        buffers.takeBack(&pending)
        writeDeadline = .never
        updateInterest(codec)
        switch ending {
        case .none:
            guard tellsWhenDrained else { return noteIdle(codec) }
            tellsWhenDrained = false
            codec.drained()
        case .afterFlush(let lingering): lingering ? linger() : close()
        case .lingering: break
        }
    }

    // MARK: Deadlines

    func setReadDeadline(_ deadline: Instant) {
        readDeadline = deadline
        if deadline != .never { alarm.set(at: min(deadline, writeDeadline), on: loop) }
    }

    private func setWriteDeadline(_ deadline: Instant) {
        writeDeadline = deadline
        alarm.set(at: min(deadline, readDeadline), on: loop)
    }

    func expired(_ timer: Timer) {
        guard alarm.hasCome(on: loop) else { return }
        if case .lingering = ending { return close() }
        if writeDeadline <= now { return lose("timeouts.write: the client takes no bytes") }
        if readDeadline <= now {
            readDeadline = .never
            codec.readExpired()
        }
        let next = min(readDeadline, writeDeadline)
        if !isClosed, next != .never { alarm.set(at: next, on: loop) }
    }

    // MARK: The end

    /// Closes when everything has been sent.
    ///
    /// - Parameter lingering: the client may still be sending: a close at once would reset the connection, and with it
    ///   the answer (RFC 9112 §9.6).
    func finish(lingering: Bool) {
        guard !isClosed else { return }
        ending = .afterFlush(lingering: lingering)
        if !hasOutput { lingering ? linger() : close() }
    }

    private func linger() {
        ending = .lingering
        Socket.shutDownOutput(descriptor)
        if inputHasEnded { return close() }
        if !isFeeding { input.release() }  // otherwise the codec is reading it
        updateInterest(codec)
        writeDeadline = .never
        setReadDeadline(now + 2_000_000_000)
    }

    /// The connection is lost: whatever is under way hears of it.
    func lose(_ reason: String) {
        guard !isClosed else { return }
        let codec = codec
        close()
        codec.failed(
            ExchangeError(
                .client,
                status: 499,
                message: "Client Closed Request",
                reason: reason,
                closesConnection: true
            )
        )
    }

    /// Serves what has come already, and nothing more.
    func drain() {
        guard !isClosed else { return }
        if isIdle { receive() }
        if !isClosed { codec.drain() }
    }

    /// Closes it, unless bytes wait to be read: then it is idle no longer.
    ///
    /// - Returns: whether it is closed.
    func makeRoom() -> Bool {
        receive()
        if idleness != .none { close() }
        return isClosed
    }

    /// Ends it so that the client sees an error, not an end.
    func reset() {
        guard !isClosed else { return }
        Socket.resetOnClose(descriptor)
        close()
    }

    /// Ends it at once, whatever is under way.
    func kill() {
        guard !isClosed else { return }
        let codec = codec
        close()
        codec.failed(.shutdown)
    }

    private func close() {
        guard !isClosed else { return }
        isClosed = true
        if idleness != .none { server.becameBusy(self) }
        alarm.cancel(on: loop)
        loop.deregister(descriptor)
        // At once, not with the object: what was closed to make room has to make it in this very round.
        ownsDescriptor = false
        Socket.close(descriptor)
        if !isFeeding { input.release() }
        if hasOutput { buffers.takeBack(&pending) }
        tellsWhenDrained = false
        chosenCodec = nil  // it holds on to its connection
        server.closed(self)
    }
}
