import CLinux
import Glibc
import PenstockBytes
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import Synchronization

/// Events out, answers and lines in.
extension FunctionInstance {
    /// A descriptor is ready, or was before the instance went to another loop: then that is not for us.
    func ready(_ stream: InstanceWatch.Stream, on loop: Int) {
        let isLeased = holder.load(ordering: .acquiring) == loop
        guard isLeased || pool.claim(self, on: loop) else { return }
        switch stream {
        case .log: readLog(untilDry: false)
        case .events: sendEvent()
        case .answers: if isWatchingAnswers { receive() }
        }
        if !isLeased, phase == .idle { pool.offer(self) }
    }

    // MARK: Events

    /// Makes the event what its wire wants and begins to send it.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - timeout: nanoseconds that the event may take; the handler is told less where who asked waits less.
    func beginEvent(at now: Instant, timeout: Int64) {
        guard let ticket, let invocation = ticket.invocation else { return }
        switch wire {
        case .frames:
            InvocationFrame.seal(
                &invocation.frame,
                id: currentID,
                milliseconds: min(timeout, invocation.deadline - now) / 1_000_000,
                flags: invocation.isRaw ? InvocationFrame.raw : 0
            )
        case .lines, .once:
            guard !ticket.isSealed else { break }
            // Between JSON's tokens a line break is as good as a space; inside a string there is none.
            invocation.frame.consume(invocation.eventStart)
            for (offset, byte) in invocation.frame.readable.enumerated()
            where byte == ASCII.lineFeed || byte == ASCII.carriageReturn {
                invocation.frame.mutableReadable[offset] = ASCII.space
            }
            if wire == .lines { invocation.frame.append(ASCII.lineFeed) }
        }
        ticket.isSealed = true
        sent = 0
        send(invocation)
    }

    private func sendEvent() {
        guard let invocation = ticket?.invocation else { return watchEvents(false) }
        send(invocation)
    }

    private func send(_ invocation: Invocation) {
        while sent < invocation.frame.count {
            do {
                let count = try write(UnsafeRawBufferPointer(rebasing: invocation.frame.readable[sent...]))
                guard count > 0 else { return watchEvents(true) }
                sent += count
            } catch {
                // A command that is started for each event has begun its work, whether it reads the event or not.
                if wire == .once { break }
                watchEvents(false)
                return channelClosed()
            }
        }
        watchEvents(false)
        if wire == .once {
            invocation.releaseFrame()
            descriptors.closeEvents()
        } else if sent > Self.pipeCapacity {
            invocation.releaseFrame()  // some of it has been read, so no other instance may have it
        }
    }

    /// What a pipe holds at most (pipe(7)).
    private static let pipeCapacity = 65_536

    /// Whether its pipe has taken the whole event.
    private func hasSent(_ invocation: Invocation) -> Bool { sent >= invocation.frame.count }

    /// Whether nothing of its event was read, and nobody is left who could.
    ///
    /// What a pipe holds is what was written last, so nothing was read while it holds as much as was sent.
    func hasReadNothing() -> Bool {
        guard wire != .once, let invocation = ticket?.invocation, !invocation.frame.isEmpty else { return false }
        var readers = pollfd(fd: descriptors.events, events: 0, revents: 0)
        guard poll(&readers, 1, 0) == 1, readers.revents == Int16(POLLERR) else { return false }
        return Int(penstock_unread(descriptors.events)) >= sent
    }

    /// Whether there is something to read before it was asked anything.
    func hasSpoken() -> Bool {
        var byte: UInt8 = 0
        return read(descriptors.answers, &byte, 1) > 0
    }

    /// What it said is no answer to the event that it was about to get; that is told, and goes to another one.
    func refuseSpeech() { giveBackUnread { violate(.unexpected(.result)) } }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        while true {
            let count = Glibc.write(descriptors.events, bytes.baseAddress, bytes.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            default: throw SystemError(call: "write")
            }
        }
    }

    /// Asks it to end.
    func closeEvents() {
        guard wire == .frames else { return descriptors.closeEvents() }
        var bytes = ByteBuffer()
        InvocationFrame.appendDrain(to: &bytes)
        _ = try? write(bytes.readable)
    }

    // MARK: Answers

    /// Reads once; the loop calls again while there is more.
    private func receive() {
        let isGathering = !received.isEmpty || wire == .once
        if isGathering { received.reserve(max(expected - received.count, 65_536)) }
        let room = isGathering ? received.writable : share.loop.input
        let count = read(descriptors.answers, room.baseAddress, room.count)
        if count < 0 {
            if errno != EAGAIN && errno != EINTR { channelClosed() }
            return
        }
        guard count > 0 else { return channelClosed() }
        let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
        guard isGathering else { return take(bytes) }
        received.commit(count)
        if isComplete(bytes) { takeReceived() }
    }

    /// Whether what is gathered, `bytes` last, is to be looked at: an answer, or more than one may be.
    private func isComplete(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch wire {
        case .frames: received.count >= expected
        case .lines: received.count > responseLimit || bytes.contains(ASCII.lineFeed)
        case .once: received.count > responseLimit || !(phase == .busy || phase == .closed)
        }
    }

    /// Reads what is there when it has ended: a whole answer wins over the exit.
    func readToEnd() {
        while isWatchingAnswers {
            let before = received.count
            receive()
            if isWatchingAnswers, received.count == before { return }
        }
    }

    /// Looks at what is gathered.
    ///
    /// It leaves the buffer first: the instance may be another loop's afterwards.
    private func takeReceived() {
        var whole = ByteBuffer()
        swap(&whole, &received)
        take(whole.readable)
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        switch wire {
        case .frames: takeFrame(bytes)
        case .lines: takeLine(bytes)
        case .once: refuseOutput()
        }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, expecting length: Int) {
        expected = length
        received.reserve(max(length, bytes.count))
        received.append(bytes)
    }

    private func takeFrame(_ bytes: UnsafeRawBufferPointer) {
        let frame: InstanceFrame?
        let limit = max(responseLimit, 1 << 18) + 65_536
        do {
            frame = try InstanceFrame.parse(bytes, limit: limit)
        } catch {
            return violate(error)
        }
        guard let frame else { return keep(bytes, expecting: InvocationFrame.headLength) }
        guard bytes.count >= frame.length else { return keep(bytes, expecting: frame.length) }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[InvocationFrame.headLength..<frame.length])
        let surplus = bytes.count > frame.length
        switch frame.kind {
        case .ready:
            guard frame.id == 0, payload.isEmpty, !surplus else { return violate(.unexpected(.ready)) }
            readLog(untilDry: true)  // what it has printed so far belongs to no event
            becomeReady()
        case .initError: refuse(payload)
        case .reply, .result, .error: takeAnswer(frame, payload, surplus)
        }
    }

    private func takeAnswer(_ frame: InstanceFrame, _ payload: UnsafeRawBufferPointer, _ surplus: Bool) {
        guard phase == .busy, let invocation = ticket?.invocation else { return violate(.unexpected(frame.kind)) }
        guard frame.id == currentID else { return violate(.unknownID(frame.id)) }
        guard hasSent(invocation) else { return violate(.unexpected(frame.kind)) }  // it cannot have read all of it
        let envelope: Envelope?
        do {
            envelope = frame.kind == .reply ? try Envelope.parse(payload) : nil
        } catch {
            return violate(error)
        }
        guard envelope == nil || !invocation.isRaw else { return violate(.unexpected(.reply)) }
        let ticket = finishEvent(surplus: surplus, isLast: frame.isLast)
        let now = MonotonicClock.now()
        if let envelope {
            ticket?.replied(at: now, envelope, payload)
        } else if frame.kind == .result {
            ticket?.returned(at: now, payload)
        } else {
            ticket?.failed(at: now, InstanceFailure.reported(payload))
        }
    }

    private func takeLine(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .busy else { return violate(.unexpected(.result)) }
        guard let end = bytes.firstIndex(of: ASCII.lineFeed) else {
            guard bytes.count <= responseLimit else {
                return fail(.tooLarge(responseLimit))
            }
            return keep(bytes, expecting: bytes.count + 1)
        }
        guard end <= responseLimit else { return fail(.tooLarge(responseLimit)) }
        guard let invocation = ticket?.invocation, hasSent(invocation) else { return violate(.unexpected(.result)) }
        let ticket = finishEvent(surplus: end + 1 < bytes.count)
        ticket?.returned(at: MonotonicClock.now(), UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    }

    /// A command that answers by ending wrote too much, or before it was asked.
    private func refuseOutput() {
        phase == .busy || phase == .closed
            ? fail(.tooLarge(responseLimit)) : violate(.unexpected(.result))
    }

    // MARK: Lines

    /// Reads what was printed: once, or all that is there.
    func readLog(untilDry: Bool) {
        guard descriptors.log >= 0 else { return }
        var left = untilDry ? 64 : 1
        while left > 0 {
            left -= 1
            let count = read(descriptors.log, share.scratch.baseAddress, share.scratch.count)
            if count > 0 {
                print(UnsafeRawBufferPointer(rebasing: share.scratch[..<count]))
                continue
            }
            if count == 0 {
                flushLog()
                return closeLog()
            }
            break
        }
        if untilDry { flushLog() }
    }

    /// Writes down a failure that the instance could not write down itself.
    func report(_ failure: InvocationError) {
        guard !failure.isInstanceReport else { return }
        withSource { share.output.report(failure, from: $0) }
    }

    private func print(_ bytes: UnsafeRawBufferPointer) {
        withSource { source in
            log.receive(bytes, at: share.loop.now) { share.output.printed($0, from: source) }
        }
    }

    private func flushLog() {
        withSource { source in
            log.flush(at: share.loop.now) { share.output.printed($0, from: source) }
        }
    }

    private func withSource(_ body: (FunctionLog.Source) -> Void) {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let requestID = ticket?.invocation?.requestID ?? none
        let stream: FunctionLog.Stream = wire == .frames ? .either : .error
        pool.name.withUnsafeBytes { name in
            body(FunctionLog.Source(function: name, instance: number, requestID: requestID, stream: stream))
        }
    }
}
