import Dispatch
import Glibc
import PenstockNetworking
import PenstockSystem
import Synchronization
import Testing

@Suite("Event loop")
struct EventLoopTests {
    @Test func `a timer fires once, not before its deadline, and not after it was cancelled`() throws {
        let loop = try EventLoop(index: 0)
        let probe = Probe(loop: loop)
        let start = MonotonicClock.now()
        loop.submit { probe.start() }
        run(loop)
        #expect(probe.fired == 1)
        #expect(probe.firedAt - start >= 30_000_000)
        #expect(!probe.cancelledFired)
    }

    @Test func `a timer that is moved later fires at the later deadline`() throws {
        let loop = try EventLoop(index: 0)
        let probe = Probe(loop: loop)
        loop.submit { probe.startMoving() }
        run(loop)
        #expect(probe.fired == 1)
        #expect(probe.firedAt - probe.startedAt >= 60_000_000)
    }

    @Test func `work from another thread runs on the loop, in order, all of it`() throws {
        let loop = try EventLoop(index: 0)
        let seen = Mutex<[Int]>([])
        DispatchQueue.global().async {
            for number in 0..<1000 { loop.submit { seen.withLock { $0.append(number) } } }
            loop.stop()
        }
        run(loop)
        #expect(seen.withLock { $0 } == Array(0..<1000))
    }

    @Test func `an event for a descriptor that was given up in the same round is dropped`() throws {
        let loop = try EventLoop(index: 0)
        let pair = try Pair(loop: loop)
        loop.submit { pair.start() }
        run(loop)
        #expect(pair.events == 1)
    }

    @Test func `a descriptor that could not be watched may be given up like any other`() throws {
        let loop = try EventLoop(index: 0)
        let closed: Int32 = 1 << 24  // more than the kernel gives out
        #expect(throws: SystemError.self) { try loop.register(closed, Deaf(), .readable) }
        loop.deregister(closed)
        loop.stop()
        run(loop)
    }

    @Test func `a loop that is closed lets go of what holds it`() throws {
        weak var left: EventLoop?
        do {
            let loop = try EventLoop(index: 0)
            let pair = try Pair(loop: loop)
            pair.start()
            loop.submit { pair.start() }
            left = loop
            loop.close()
        }
        #expect(left == nil)
    }

    @Test func `what is put off to the end of a round is flushed once, behind all that the round brought`() throws {
        let loop = try EventLoop(index: 0)
        let late = Late()
        for _ in 0..<3 {
            loop.submit {
                if late.steps.isEmpty { loop.flushAfterRound(late) }
                late.steps.append("work")
            }
        }
        loop.stop()
        run(loop)
        #expect(late.steps == ["work", "work", "work", "flush"])
    }

    @Test func `long work takes turns with what else comes`() throws {
        let loop = try EventLoop(index: 0)
        let late = Late()
        loop.submit {
            for _ in 0..<100 { loop.flushInTurn(late) }
            loop.submit {
                late.steps.append("work")
                loop.submit { loop.stop() }
            }
        }
        run(loop)
        // Some turns before each round's work, all of them never.
        let before = late.steps.prefix { $0 == "flush" }.count
        #expect((1..<50).contains(before))
        #expect(late.steps.count - before - 1 >= 1)
        #expect(late.steps.count < 100)
    }

    private func run(_ loop: EventLoop) {
        let done = DispatchSemaphore(value: 0)
        DispatchQueue(label: "loop").async {
            loop.run()
            done.signal()
        }
        #expect(done.wait(timeout: .now() + 10) == .success)
    }
}

/// Counts what its timers do; stops the loop when the last one has fired.
private final class Probe: TimerTarget, @unchecked Sendable {  // used on one loop, read after it has ended
    private let loop: EventLoop
    private(set) var fired = 0
    private(set) var startedAt = Instant.never
    private(set) var firedAt = Instant.never
    private(set) var cancelledFired = false
    private lazy var timer = Timer(target: self)
    private lazy var cancelled = Timer(target: self)
    private lazy var end = Timer(target: self)

    init(loop: EventLoop) { self.loop = loop }

    func start() {
        startedAt = MonotonicClock.now()
        loop.set(timer, at: loop.now + 30_000_000)
        loop.set(cancelled, at: loop.now + 10_000_000)
        loop.set(end, at: loop.now + 80_000_000)
        loop.cancel(cancelled)
    }

    func startMoving() {
        startedAt = MonotonicClock.now()
        loop.set(timer, at: loop.now + 10_000_000)
        loop.set(timer, at: startedAt + 60_000_000)
        loop.set(end, at: loop.now + 120_000_000)
    }

    func expired(_ timer: Timer) {
        if timer === end { return loop.stop() }
        if timer === cancelled { cancelledFired = true }
        fired += 1
        firedAt = MonotonicClock.now()
    }
}

/// Two readable ends, the first of which gives up the second.
private final class Pair: EventSource, @unchecked Sendable {  // used on one loop, read after it has ended
    private let loop: EventLoop
    private var ends: [Int32] = [-1, -1]
    private(set) var events = 0

    init(loop: EventLoop) throws {
        self.loop = loop
        for index in 0..<2 {
            var pipes: [Int32] = [0, 0]
            try #require(pipe(&pipes) == 0)
            ends[index] = pipes[0]
            #expect(write(pipes[1], "x", 1) == 1)
        }
    }

    func start() {
        for end in ends { try? loop.register(end, self, .readable) }
    }

    func ready(_ events: Readiness) {
        self.events += 1
        for end in ends { loop.deregister(end) }
        loop.stop()
    }
}

private final class Deaf: EventSource {
    func ready(_ events: Readiness) {}
}

private final class Late: Flushable, @unchecked Sendable {  // used on one loop, read after it has ended
    var steps: [String] = []

    func flush() { steps.append("flush") }
}
