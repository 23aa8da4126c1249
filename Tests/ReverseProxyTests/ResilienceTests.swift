import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport
import Synchronization
import Testing

@testable import PenstockReverseProxy

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64((1000 + seconds) * 1e9)) }

@Suite("A window of outcomes")
struct OutcomeWindowTests {
    @Test(arguments: [
        (failures: 5, successes: 5, percent: 50, requests: 10, isOver: true),
        (failures: 5, successes: 5, percent: 51, requests: 10, isOver: false),
        (failures: 5, successes: 4, percent: 50, requests: 10, isOver: false),
        (failures: 10, successes: 0, percent: 100, requests: 10, isOver: true),
        (failures: 0, successes: 10, percent: 1, requests: 10, isOver: false),
    ])
    func `a rate counts from enough requests on`(
        _ row: (failures: Int, successes: Int, percent: Int, requests: Int, isOver: Bool)
    ) {
        let window = OutcomeWindow(nanoseconds: 10_000_000_000, loops: 2)
        for index in 0..<row.failures { window.record(isFailure: true, on: index % 2, at: at(0)) }
        for index in 0..<row.successes { window.record(isFailure: false, on: index % 2, at: at(1)) }
        #expect(window.isOver(row.percent, of: row.requests, at: at(1)) == row.isOver)
    }

    @Test func `what is older than the window is forgotten`() {
        let window = OutcomeWindow(nanoseconds: 10_000_000_000, loops: 1)
        for _ in 0..<20 { window.record(isFailure: true, on: 0, at: at(0)) }
        #expect(window.isOver(50, of: 20, at: at(7)))
        #expect(!window.isOver(50, of: 20, at: at(10.1)))
        window.record(isFailure: false, on: 0, at: at(10.1))
        #expect(!window.isOver(1, of: 1, at: at(10.1)))
        window.clear()
        #expect(!window.isOver(0, of: 1, at: at(10.1)))
    }
}

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    @Test func `it opens at its rate, lets one request through, and closes after that`() {
        let breaker = CircuitBreaker(BreakerSettings(), loops: 1)
        for _ in 0..<19 { #expect(breaker.record(isFailure: true, wasProbe: false, on: 0, at: at(0)) == nil) }
        #expect(breaker.judge(at: at(0)) == .pass)
        #expect(breaker.record(isFailure: true, wasProbe: false, on: 0, at: at(0)) == true)
        #expect(breaker.judge(at: at(1)) == .refuse)
        #expect(breaker.retryAfter(at: at(1)) == 4)
        // One that began before it opened says nothing.
        #expect(breaker.record(isFailure: false, wasProbe: false, on: 0, at: at(1)) == nil)
        #expect(breaker.judge(at: at(5)) == .probe)
        #expect(breaker.judge(at: at(5)) == .refuse)
        #expect(breaker.record(isFailure: true, wasProbe: true, on: 0, at: at(6)) == nil)
        #expect(breaker.judge(at: at(9)) == .refuse)
        #expect(breaker.judge(at: at(10)) == .probe)
        #expect(breaker.record(isFailure: false, wasProbe: true, on: 0, at: at(10)) == false)
        #expect(breaker.judge(at: at(10)) == .pass)
        #expect(breaker.record(isFailure: true, wasProbe: false, on: 0, at: at(10)) == nil)
    }
}

@Suite("Retry budget")
struct RetryBudgetTests {
    @Test(arguments: [0, 10, 20, 100])
    func `retries are at most their share of the requests, and ten more`(_ percent: Int) {
        var budget = RetryBudget(percent: percent)
        var retries = 0
        for _ in 0..<1000 {
            budget.earn()
            if budget.spend(at: at(0)) { retries += 1 }
        }
        #expect(retries == (percent == 0 ? 0 : min(1000, 10 * percent + 10)))
    }

    @Test func `where there is little traffic one comes with each second`() {
        var budget = RetryBudget(percent: 20)
        while budget.spend(at: at(0)) {}
        let spent = [0.9, 2.5, 2.5, 2.9, 3].map { budget.spend(at: at($0)) }
        #expect(spent == [false, true, true, false, true])
    }
}

@Suite("Pauses before retries")
struct RetryPauseTests {
    @Test(arguments: [
        (backoff: 25_000_000, retry: 1, bound: 25_000_000), (25_000_000, 2, 50_000_000), (25_000_000, 4, 200_000_000),
        (1_000_000_000, 9, 10_000_000_000), (25_000_000, 100, 10_000_000_000), (0, 1, 0), (1, 1, 1),
    ])
    func `chance decides, up to a bound that doubles`(_ row: (backoff: Int, retry: Int, bound: Int)) throws {
        let context = LoopContext(loop: try EventLoop(index: 0))
        let status = UpstreamStatus(UpstreamSettings(name: "u"), loops: 1, report: { _ in })
        let metrics = UpstreamMetrics(registry: MetricsRegistry(), upstream: "u", shard: 0)
        let upstream = Upstream(status, metrics: metrics, context: context)
        var settings = RetrySettings()
        settings.backoff = Int64(row.backoff)
        let pauses = (0..<1000).map { _ in Int(upstream.pause(before: row.retry, settings)) }
        let (least, most) = (pauses.min() ?? 0, pauses.max() ?? 0)
        #expect(least >= 0 && most < max(1, row.bound))
        guard row.bound > 1 else { return }
        // Of a thousand each tenth has some, but once in 10^45.
        #expect(least < row.bound / 10 && most > row.bound / 10 * 9)
    }
}

@Suite("Health of endpoints")
struct EndpointHealthTests {
    private let changes = Changes()

    private final class Changes: Sendable {
        private let list = Mutex<[String]>([])

        func note(_ change: UpstreamStatus.Change) {
            list.withLock { list in
                switch change {
                case .ejected(let endpoint, let seconds):
                    list.append("\(endpoint.description.name) out \(seconds): \(endpoint.reason.map { "\($0)" } ?? "")")
                case .readmitted(let endpoint): list.append("\(endpoint.description.name) in")
                case .unhealthy(let endpoint): list.append("\(endpoint.description.name) unhealthy")
                case .healthy(let endpoint): list.append("\(endpoint.description.name) healthy")
                case .breaker(let isOpen): list.append("breaker \(isOpen)")
                case .exhausted(let reason): list.append("exhausted: \(reason)")
                }
            }
        }

        func take() -> [String] {
            list.withLock { list in
                defer { list = [] }
                return list
            }
        }
    }

    private func upstream(_ count: Int, _ change: (inout UpstreamSettings) -> Void = { _ in }) -> UpstreamStatus {
        var settings = UpstreamSettings(name: "u")
        change(&settings)
        let status = UpstreamStatus(settings, loops: 1, report: { [changes] in changes.note($0) })
        let endpoints = (0..<count).map { index in
            EndpointDescription(
                name: "e\(index)",
                authority: "",
                addresses: [SocketAddress(ipv4: [10, 0, 0, UInt8(index)], port: 80)]
            )
        }
        _ = status.replace(with: endpoints, at: nil)
        return status
    }

    private func fail(_ status: UpstreamStatus, _ index: Int, _ count: Int, at now: Instant) {
        let endpoint = status.endpoints.endpoints[index]
        for _ in 0..<count { status.record(isFailure: true, endpoint, on: 0, at: now) }
    }

    @Test func `failures in a row take it out, each time for longer`() {
        let status = upstream(3)
        let endpoint = status.endpoints.endpoints[0]
        fail(status, 0, 4, at: at(0))
        status.record(isFailure: false, endpoint, on: 0, at: at(0))
        fail(status, 0, 4, at: at(0))
        #expect(endpoint.isIn)
        fail(status, 0, 1, at: at(0))
        #expect(!endpoint.isIn)
        #expect(changes.take() == ["e0 out 10: 5 failures in a row"])
        status.readmit(endpoint, at: at(9.9))
        #expect(!endpoint.isIn)
        status.readmit(endpoint, at: at(10))
        #expect(endpoint.isIn && status.areAllIn)
        fail(status, 0, 5, at: at(11))
        status.readmit(endpoint, at: at(31))
        fail(status, 0, 5, at: at(32))
        #expect(
            changes.take().filter { $0.contains("out") } == [
                "e0 out 20: 5 failures in a row", "e0 out 40: 5 failures in a row",
            ]
        )
        status.readmit(endpoint, at: at(72))
        // What was long ago counts no more.
        fail(status, 0, 5, at: at(400))
        #expect(changes.take().last == "e0 out 10: 5 failures in a row")
    }

    @Test(arguments: [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (10, 5)])
    func `never so many that less than half is left`(_ count: Int, _ out: Int) {
        let status = upstream(count)
        for index in 0..<count { fail(status, index, 5, at: at(0)) }
        #expect(status.endpoints.endpoints.count { !$0.isIn } == out)
    }

    @Test func `a rate of failures takes it out`() {
        let status = upstream(2) { settings in
            settings.passive?.failures = nil
            settings.passive?.errorRate = 50
        }
        let endpoint = status.endpoints.endpoints[0]
        for _ in 0..<10 {
            status.record(isFailure: false, endpoint, on: 0, at: at(0))
            status.record(isFailure: true, endpoint, on: 0, at: at(0))
        }
        #expect(changes.take() == ["e0 out 10: 50 % or more of its requests failed"])
    }

    @Test func `an endpoint that stays keeps its health when others come and go`() {
        let status = upstream(3)
        fail(status, 0, 5, at: at(0))
        let old = status.endpoints.endpoints
        let list = status.replace(with: old.map(\.description).reversed(), at: at(1))
        #expect(list.endpoints.map { ObjectIdentifier($0) } == old.reversed().map { ObjectIdentifier($0) })
        #expect(!status.areAllIn)
        _ = status.replace(with: old.dropFirst().map(\.description), at: at(1))
        #expect(status.areAllIn)
    }

    @Test func `an endpoint that has come gets more and more of its share`() {
        let status = upstream(1) { $0.slowStart = 10_000_000_000 }
        let first = status.endpoints.endpoints[0].description
        let second = EndpointDescription(name: "new", authority: "", addresses: first.addresses)
        let list = status.replace(with: [first, second], at: at(0))
        #expect(list.endpoints[0].share(at: at(0), slowStart: 10_000_000_000) == 256)
        let shares = [0, 1, 5, 9.9, 10].map { list.endpoints[1].share(at: at($0), slowStart: 10_000_000_000) }
        #expect(shares == [16, 25, 128, 253, 256])
        #expect(status.isStartingSlowly(at: at(9)) && !status.isStartingSlowly(at: at(10)))
    }

    @Test func `the first answer to a health check decides, then so many in a row`() {
        let settings = ActiveHealthSettings(.tcp)
        var counts = ProbeCounts()
        let answers = [false, true, true, false, false, true, false, false, false, true]
        let verdicts = answers.map { counts.add(isGood: $0, settings) }
        #expect(verdicts == [false, nil, true, nil, nil, nil, nil, nil, false, nil])
    }
}
