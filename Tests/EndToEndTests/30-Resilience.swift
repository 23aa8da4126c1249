import TestSupport
import Testing

/// Upstreams that fail, are slow, or are asked for more than they can do.
@Suite("30 Resilience", .wholeProcess)
struct ResilienceTests {
    /// An upstream whose n-th request, from 0, is answered by `answer`; `nil`: it closes the connection.
    private func upstream(_ answer: @escaping @Sendable (Int) -> String?) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.request() != nil {
                guard let answer = answer(connection.upstream.requests.count - 1) else { return }
                try connection.respond(answer, "answer")
            }
        }
    }

    private static let logged = "access_log: { format: json }\nloops: 1\n"
    private static let admin = "admin: { address: \"\(Loopback.listener)\" }\nloops: 1\n"

    private func metrics(_ gateway: GatewayProcess) throws -> String {
        try gateway.answer("GET /metrics\nHost: 127.0.0.1", listener: "admin").text
    }

    // MARK: Retries

    private struct Retry: Sendable {
        let settings: String
        let request: String
        /// What the upstream answers, one after the other; the last again and again.
        let answers: [String?]
        let status: Int
        let requests: Int
    }

    private static let retries: [Retry] = [
        Retry(settings: "", request: "GET /", answers: [nil, "200 OK"], status: 200, requests: 2),
        Retry(settings: "", request: "GET /", answers: [nil, nil, "200 OK"], status: 200, requests: 3),
        Retry(settings: "", request: "GET /", answers: [nil], status: 502, requests: 3),
        Retry(settings: "attempts: 0", request: "GET /", answers: [nil], status: 502, requests: 1),
        Retry(settings: "attempts: 5, backoff: 1ms", request: "GET /", answers: [nil], status: 502, requests: 6),
        Retry(settings: "budget: 0%", request: "GET /", answers: [nil], status: 502, requests: 1),
        Retry(settings: "on: connect", request: "GET /", answers: [nil], status: 502, requests: 1),
        Retry(settings: "", request: "GET /", answers: ["503 Busy", "200 OK"], status: 503, requests: 1),
        Retry(settings: "on: [503]", request: "GET /", answers: ["503 Busy", "200 OK"], status: 200, requests: 2),
        Retry(
            settings: "on: [502, 504]",
            request: "GET /",
            answers: ["504 x", "502 x", "200 x"],
            status: 200,
            requests: 3
        ),
        Retry(settings: "on: [503]", request: "GET /", answers: ["503 Busy"], status: 503, requests: 3),
        Retry(settings: "on: [503]", request: "GET /", answers: ["500 Broken"], status: 500, requests: 1),
        // What has effects is sent once.
        Retry(settings: "", request: "POST /\nContent-Length: 4\n\nbody", answers: [nil], status: 502, requests: 1),
        Retry(
            settings: "on: [503]",
            request: "POST /\nContent-Length: 4\n\nbody",
            answers: ["503 Busy"],
            status: 503,
            requests: 1
        ),
        Retry(
            settings: "",
            request: "POST /\nIdempotency-Key: 1\nContent-Length: 4\n\nbody",
            answers: [nil, "200 OK"],
            status: 200,
            requests: 2
        ),
        Retry(
            settings: "any_method: true",
            request: "POST /\nContent-Length: 4\n\nbody",
            answers: [nil, "200 OK"],
            status: 200,
            requests: 2
        ),
        Retry(
            settings: "",
            request: "PUT /\nTransfer-Encoding: chunked\n\n4\r\nbody\r\n0\r\n\r\n",
            answers: [nil, "200 OK"],
            status: 200,
            requests: 2
        ),
    ]

    @Test(arguments: retries.indices)
    func `a request is sent again where that does no harm`(_ index: Int) throws {
        let row = Self.retries[index]
        let upstream = try upstream { row.answers[min($0, row.answers.count - 1)] }
        let settings = "retries: { \(row.settings) }, health: { passive: false }"
        try withGateway("loops: 1\n\(proxying(upstream.url, settings: settings))") { gateway throws in
            #expect(try gateway.answer(row.request).status == row.status)
            let requests = upstream.requests
            #expect(requests.count == row.requests)
            #expect(requests.allSatisfy { $0.text == (row.request.contains("body") ? "body" : "") })
        }
    }

    @Test func `a body that is not here as a whole is sent once`() throws {
        let upstream = try ScriptedUpstream { connection in _ = try connection.request() }
        let settings = "buffer: { request: 16KiB }"
        try withGateway("loops: 1\n\(proxying(upstream.url, settings: settings))") { gateway throws in
            let body = String(repeating: "x", count: 400_000)
            #expect(try gateway.answer("PUT /\nContent-Length: 400000\n\n\(body)").status == 502)
            #expect(try gateway.answer("PUT /\nContent-Length: 10000\n\n\(body.prefix(10_000))").status == 502)
            #expect(upstream.requests.map(\.body.count) == [400_000, 10_000, 10_000, 10_000])
        }
    }

    @Test func `another endpoint is asked first, and its answer is the client's`() throws {
        let bad = try upstream { _ in nil }
        let good = try upstream { _ in "200 OK" }
        let text = proxying(bad.url, good.url, settings: "retries: { backoff: 1ms }")
        try withGateway(Self.admin + text) { gateway throws in
            for _ in 0..<4 { #expect(try gateway.answer("GET /").status == 200) }
            let retries = "penstock_upstream_retries_total{upstream=\"service\"} 2"
            #expect(try metrics(gateway).contains(retries))
        }
        #expect(bad.requests.count == 2)
    }

    @Test func `a try may take so long`() throws {
        let gate = Gate()
        let slow = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            gate.pass()
        }
        let fast = try upstream { _ in "200 OK" }
        let settings = "timeouts: { per_try: 100ms }, retries: { on: timeout, backoff: 1ms }"
        try withGateway("loops: 1\n\(proxying(slow.url, fast.url, settings: settings))") { gateway throws in
            for _ in 0..<4 { #expect(try gateway.answer("GET /").status == 200) }
        }
        try withGateway(Self.logged + proxying(slow.url, settings: settings)) { gateway throws in
            #expect(try gateway.answer("GET /").status == 504)
            #expect(try gateway.waitForAccessLog(1)[0].contains("timeouts.per_try"))
        }
        gate.open()
    }

    // MARK: Health

    @Test func `an endpoint that fails is out, and in again after a while`() throws {
        let isWell = Gate()
        let ill = try upstream { _ in isWell.isOpen ? "200 OK" : nil }
        let well = try upstream { _ in "200 OK" }
        let settings = "health: { passive: { failures: 2, eject: 300ms } }, retries: { backoff: 1ms }"
        try withGateway(Self.admin + proxying(ill.url, well.url, settings: settings)) { gateway throws in
            for _ in 0..<10 { #expect(try gateway.answer("GET /").status == 200) }
            try gateway.waitForLog("an endpoint is out")
            try gateway.waitForLog("2 failures in a row")
            #expect(ill.requests.count == 2)
            let metrics = try metrics(gateway)
            let state = "penstock_upstream_endpoint_state{upstream=\"service\",endpoint="
            #expect(metrics.contains("\(state)\"\(ill.url)\",state=\"ejected\"} 1"))
            #expect(metrics.contains("\(state)\"\(well.url)\",state=\"in\"} 1"))
            isWell.open()
            try Deadline.wait(for: "requests to the one that is well again") {
                _ = try? gateway.answer("GET /")
                return ill.requests.count > 4
            }
            try gateway.waitForLog("an endpoint is in again")
        }
    }

    @Test(arguments: ["{ path: /healthz, interval: 50ms }", "{ path: /healthz, interval: 50ms, body: well }"])
    func `health checks take endpoints out and bring them back`(_ active: String) throws {
        let isIll = Gate()
        let isWell = Gate()
        let one = try ScriptedUpstream { connection in
            while let request = try connection.request() {
                guard request.line.contains("/healthz") else { try connection.respond("200 OK", "one"); continue }
                let isUp = !isIll.isOpen || isWell.isOpen
                try connection.respond(
                    isUp || active.contains("body") ? "200 OK" : "500 x",
                    isUp ? "I am well." : "ill"
                )
            }
        }
        let other = try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.respond("200 OK", "is well") }
        }
        try withGateway("loops: 1\n\(proxying(one.url, other.url, settings: "health: { active: \(active) }"))") {
            gateway throws in
            try Deadline.wait(for: "both") { try Set((0..<2).map { _ in try gateway.answer("GET /").text }).count == 2 }
            isIll.open()
            try gateway.waitForLog("an endpoint is out")
            let answers = try Set((0..<6).map { _ in try gateway.answer("GET /").text })
            #expect(answers == ["is well"])
            isWell.open()
            try gateway.waitForLog("an endpoint is in again")
            let both = try Set((0..<6).map { _ in try gateway.answer("GET /").text })
            #expect(both == ["one", "is well"])
            let probe = try #require(one.requests.first { $0.line.contains("/healthz") })
            #expect(probe["user-agent"] == "penstock health check")
        }
    }

    @Test func `a check of the connection alone finds a port that is closed`() throws {
        let other = try upstream { _ in "200 OK" }
        let settings = "health: { active: { interval: 50ms }, passive: false }, retries: { attempts: 0 }"
        try withGateway("loops: 1\n\(proxying("http://127.0.0.1:1", other.url, settings: settings))") {
            gateway throws in
            try gateway.waitForLog("an endpoint is out")
            for _ in 0..<6 { #expect(try gateway.answer("GET /").status == 200) }
        }
    }

    @Test func `the circuit breaker opens, and closes when a request went well`() throws {
        let isWell = Gate()
        let upstream = try upstream { _ in isWell.isOpen ? "200 OK" : "503 Busy" }
        let settings = "breaker: { requests: 5, open: 300ms }, health: { passive: false }"
        try withGateway("loops: 1\n\(proxying(upstream.url, settings: settings))") { gateway throws in
            for _ in 0..<5 { #expect(try gateway.answer("GET /").text == "answer") }
            let refused = try gateway.answer("GET /")
            #expect(refused.status == 503 && refused["retry-after"] == "1")
            #expect(upstream.requests.count == 5)
            try gateway.waitForLog("the circuit breaker is open")
            isWell.open()
            try Deadline.wait(for: "an answer") { try gateway.answer("GET /").status == 200 }
            for _ in 0..<5 { #expect(try gateway.answer("GET /").status == 200) }
            try gateway.waitForLog("the circuit breaker is closed again")
        }
    }

    // MARK: Capacity

    @Test func `requests over the limit wait, then are refused`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream.gated(gate, "answer")
        let settings = "concurrency: 2, queue: { length: 3, wait: 60s }"
        try withGateway("\(Self.admin.dropLast(2))2\n\(proxying(upstream.url, settings: settings))") { gateway throws in
            var clients: [RawClient] = []
            for count in 1...5 {
                let client = try gateway.connect()
                try client.request("GET /")
                clients.append(client)
                guard count <= 2 else { continue }
                try Deadline.wait(for: "request \(count)") { upstream.requests.count == count }
            }
            try Deadline.wait(for: "three that wait") {
                try metrics(gateway).contains("penstock_upstream_queue{upstream=\"service\"} 3")
            }
            let refused = try gateway.answer("GET /")
            #expect(refused.status == 503 && refused["retry-after"] == "1")
            #expect(upstream.requests.count == 2)
            gate.open()
            for client in clients { #expect(try client.response().status == 200) }
            #expect(upstream.requests.count == 5)
        }
    }

    @Test func `who has waited as long as it may is refused, and who goes away leaves the queue`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream.gated(gate, "answer")
        let settings = "concurrency: 1, queue: { length: 1, wait: 200ms }"
        try withGateway(Self.logged + proxying(upstream.url, settings: settings)) { gateway throws in
            let first = try gateway.connect()
            try first.request("GET /")
            try Deadline.wait(for: "the first") { upstream.requests.count == 1 }
            #expect(try gateway.answer("GET /").status == 503)
            #expect(try gateway.waitForAccessLog(1)[0].contains("queue.wait"))
            let gone = try gateway.connect()
            try gone.request("GET /")
            gone.reset()
            gate.open()
            #expect(try first.response().status == 200)
            for _ in 0..<5 { #expect(try gateway.answer("GET /").status == 200) }
        }
    }
}
