import Dispatch
import Glibc
import PenstockNetworking
import Synchronization
import Testing

@Suite("Worker pool")
struct WorkerPoolTests {
    @Test func `a thousand jobs that block for 20 ms run on many threads, each once`() {
        let pool = WorkerPool(width: 64, capacity: 1000)
        let record = Record()
        let jobs = (0..<1000).map { Job(number: $0, record: record) { usleep(20_000) } }
        #expect(pool.submit(jobs) == 1000)
        record.wait(for: 1000)
        #expect(record.numbers.sorted() == Array(0..<1000))
        #expect(record.peak > 16, "a core's worth of threads would be a concurrent queue")
        #expect(record.peak <= 64)
    }

    @Test func `jobs start in the order they came`() {
        let pool = WorkerPool(width: 1)
        let record = Record()
        let jobs = (0..<500).map { Job(number: $0, record: record) }
        for start in stride(from: 0, to: 500, by: 7) {
            let batch = Array(jobs[start..<min(start + 7, 500)])
            #expect(pool.submit(batch) == batch.count)
        }
        record.wait(for: 500)
        #expect(record.numbers == Array(0..<500))
    }

    @Test func `what does not fit is refused, from the end of the batch`() {
        let pool = WorkerPool(width: 1, capacity: 3)
        let record = Record()
        let gate = DispatchSemaphore(value: 0)
        #expect(pool.submit(Job(number: -1, record: record) { gate.wait() }))
        record.waitForStart(of: 1)
        #expect(pool.submit((0..<5).map { Job(number: $0, record: record) }) == 3)
        #expect(!pool.submit(Job(number: 9, record: record)))
        #expect(pool.usage.waiting == 3)
        gate.signal()
        record.wait(for: 4)
        #expect(record.numbers == [-1, 0, 1, 2])
    }

    @Test func `a slow job holds nobody back for long`() {
        let pool = WorkerPool(width: 2)
        let record = Record()
        let gate = DispatchSemaphore(value: 0)
        let jobs = [Job(number: 0, record: record) { gate.wait() }] + (1...50).map { Job(number: $0, record: record) }
        #expect(pool.submit(jobs) == 51)
        record.wait(for: 50)
        #expect(record.numbers == Array(1...50))
        gate.signal()
        record.wait(for: 51)
    }

    @Test func `jobs from many threads are all run, while drainers come and go`() {
        let pool = WorkerPool(width: 8)
        let record = Record()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<250 {
                let job = Job(number: thread * 250 + number, record: record)
                while !pool.submit(job) { usleep(100) }
                if number % 50 == 0 { usleep(1000) }
            }
        }
        record.wait(for: 2000)
        #expect(record.numbers.sorted() == Array(0..<2000))
    }

    @Test func `drainers end when nothing waits`() {
        let pool = WorkerPool(width: 4)
        let record = Record()
        #expect(pool.submit((0..<40).map { Job(number: $0, record: record) { usleep(2000) } }) == 40)
        record.wait(for: 40)
        while pool.usage.drainers > 0 { usleep(500) }
        #expect(pool.usage.waiting == 0)
    }
}

/// What has run: in which order, and how many at a time.
private final class Record: Sendable {
    private struct State {
        var numbers: [Int] = []
        var running = 0
        var peak = 0
        var started = 0
    }

    private let state = Mutex(State())

    var numbers: [Int] { state.withLock { $0.numbers } }
    var peak: Int { state.withLock { $0.peak } }

    func began() {
        state.withLock {
            $0.started += 1
            $0.running += 1
            $0.peak = max($0.peak, $0.running)
        }
    }

    func ended(_ number: Int) {
        state.withLock {
            $0.running -= 1
            $0.numbers.append(number)
        }
    }

    func wait(for count: Int) { while numbers.count < count { usleep(500) } }

    func waitForStart(of count: Int) { while state.withLock({ $0.started }) < count { usleep(500) } }
}

private final class Job: WorkerJob {
    private let number: Int
    private let record: Record
    private let work: @Sendable () -> Void

    init(number: Int, record: Record, work: @escaping @Sendable () -> Void = {}) {
        self.number = number
        self.record = record
        self.work = work
    }

    func run() {
        record.began()
        work()
        record.ended(number)
    }
}
