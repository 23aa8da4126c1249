import Glibc
import TestSupport
import Testing

/// Requests that one of several targets answers, pages for their errors, and places.
@Suite("30 Traffic", .wholeProcess)
struct TrafficTests {
    // MARK: Split

    @Test func `requests are split by weight, and logs name who answered`() throws {
        let a = try ScriptedUpstream.fixed("a")
        let b = try ScriptedUpstream.fixed("b")
        let yaml =
            namedUpstreams([("a", a.url), ("b", b.url)]) + """
                routes:
                  - { name: s, path: /, split: [{ weight: 3, upstream: a }, { upstream: b }, { weight: 0, respond: { body: never } }] }
                """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            let answers = try (0..<400).map { _ in try client.answer("GET /").text }
            let share = answers.count { $0 == "a" }
            // Six standard deviations of 400 throws.
            #expect((248...352).contains(share))
            #expect(answers.count { $0 == "b" } == 400 - share)
            let lines = try gateway.waitForAccessLog(400)
            #expect(lines.count { $0.contains("upstream=a") } == share)
        }
    }

    @Test func `a client stays where it was, also after a reload, until its side is drained`() throws {
        let a = try ScriptedUpstream.fixed("a")
        let b = try ScriptedUpstream.fixed("b")
        func yaml(_ first: Int) -> String {
            namedUpstreams([("a", a.url), ("b", b.url)]) + """
                routes:
                  - path: /
                    split:
                      targets: [{ weight: \(first), upstream: a }, { weight: 50, upstream: b }]
                      sticky: { cookie: side, age: 1h }
                """
        }
        try withGateway(yaml(50)) { gateway throws in
            let client = try gateway.connect()
            var cookies: [String: String] = [:]
            for _ in 0..<200 where cookies.count < 2 {
                let answer = try client.answer("GET /")
                cookies[answer.text] = answer["set-cookie"]
            }
            let cookie = try #require(cookies["a"])
            #expect(cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600"))
            let value = String(cookie.prefix { $0 != ";" })
            #expect(value.hasPrefix("side=") && value.utf8.count == 21)
            for _ in 0..<20 {
                let answer = try client.answer("GET /\nCookie: x=1; \(value)")
                #expect(answer.text == "a" && answer["set-cookie"] == nil)
            }
            #expect(try gateway.reload(yaml(1)))
            for _ in 0..<20 { #expect(try client.answer("GET /\nCookie: \(value)").text == "a") }
            #expect(try gateway.reload(yaml(0)))
            let moved = try client.answer("GET /\nCookie: \(value)")
            #expect(moved.text == "b" && moved["set-cookie"] != nil)
        }
    }

    @Test func `the same value of a field comes to the same side`() throws {
        let yaml = """
            routes:
              - path: /
                split:
                  targets: [{ weight: 1, respond: { body: a } }, { weight: 1, respond: { body: b } }]
                  sticky: { header: X-User }
            """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            var first = 0
            for user in 0..<100 {
                let text = try client.answer("GET /\nX-User: u\(user)").text
                for _ in 0..<2 { #expect(try client.answer("GET /\nX-User: u\(user)").text == text) }
                if text == "a" { first += 1 }
            }
            #expect((20...80).contains(first))
        }
    }

    @Test func `explain shows each upstream that a request may come to, as it is now`() throws {
        let a = try ScriptedUpstream.fixed("a")
        let named = ["a", "b", "c", "d"].map { (name: $0, url: a.url) }
        let yaml =
            namedUpstreams(named) + """
                routes:
                  - { path: /, split: [{ upstream: a }, { upstream: b }], fallback: [{ upstream: c }, { upstream: a }] }
                """
        try withGateway(yaml) { gateway throws in
            let outcome = try ChildProcess.run([GatewayProcess.binary, "explain", "GET", "/"], in: gateway.folder.path)
            let shown = outcome.output.split(separator: "\n").filter { $0.hasPrefix("upstream ") }
            #expect(shown == ["upstream a, now", "upstream b, now", "upstream c, now"], "\(outcome.output)")
        }
    }

    // MARK: Pages

    @Test func `errors have pages, the nearest first`() throws {
        let broken = try ScriptedUpstream.fixed("its own", "502 Bad Gateway")
        let folder = try TemporaryFolder()
        try folder.write("gone.html", "<h1>gone</h1>")
        let yaml =
            """
            error_pages:
              - { status: 404, file: gone.html }
              - { status: [400-499, 502], body: "<p>{status} {message} {request_id} {x}</p>" }
            """ + "\n" + namedUpstreams([("broken", broken.url), ("none", "http://127.0.0.1:1")]) + """
                routes:
                  - { path: /none, upstream: none }
                  - { path: /own, upstream: none, error_pages: { status: 502, body: mine, type: text/plain } }
                  - { path: /kept, upstream: broken }
                  - { path: /replaced, upstream: broken, error_pages: { status: 502, body: mine, type: text/plain, intercept: true } }
                  - { path: /fixed, respond: { status: 404, body: fixed } }
                  - { path: /get, methods: [GET], respond: {} }
                """
        try withGateway(yaml, folder: folder) { gateway throws in
            let client = try gateway.connect()
            let missing = try client.answer("GET /nowhere")
            #expect(missing.status == 404 && missing.text == "<h1>gone</h1>")
            #expect(missing["content-type"] == "text/html; charset=utf-8")
            let head = try client.answer("HEAD /nowhere")
            #expect(head.status == 404 && head["content-length"] == "13")
            let method = try client.answer("POST /get\nContent-Length: 0")
            #expect(method.status == 405 && method["allow"]?.contains("GET") == true)
            #expect(method.text == "<p>405 Method Not Allowed \(method["x-request-id"] ?? "") {x}</p>")
            #expect(try client.answer("GET /none").text.hasPrefix("<p>502 Bad Gateway "))
            let rows = [
                ("/own", 502, "mine"), ("/kept", 502, "its own"), ("/replaced", 502, "mine"), ("/fixed", 404, "fixed"),
            ]
            for (path, status, text) in rows {
                let answer = try client.answer("GET \(path)")
                #expect(answer.status == status && answer.text == text, "\(path)")
            }
        }
    }

    // MARK: Concurrency

    @Test func `so many requests run, so many wait, more are refused, also after a reload`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream.gated(gate, "done")
        let yaml =
            namedUpstreams([("u", upstream.url)])
            + "routes: [{ name: r, path: /, upstream: u, concurrency: 2, queue: { length: 2, wait: 60s } }]"
        try withGateway(yaml) { gateway throws in
            let first = try (0..<2).map { _ in try gateway.connect() }
            for client in first { try client.request("GET /") }
            try Deadline.wait(for: "two requests") { upstream.requests.count == 2 }
            #expect(try gateway.reload(yaml + "\nserver: other"))
            let others = try (0..<4).map { _ in try gateway.connect() }
            for client in others { try client.request("POST /\nContent-Length: 4\n\nbody") }
            var refused: Set<Int> = []
            try Deadline.wait(for: "two refusals") {
                for (index, client) in others.enumerated() where !refused.contains(index) {
                    guard let answer = try? client.response(seconds: 0.05) else { continue }
                    #expect(answer.status == 503 && answer["retry-after"] == "1")
                    refused.insert(index)
                }
                return refused.count == 2
            }
            #expect(upstream.requests.count == 2)
            gate.open()
            for client in first { #expect(try client.response().text == "done") }
            for (index, client) in others.enumerated() where !refused.contains(index) {
                #expect(try client.response().text == "done")
            }
            #expect(upstream.requests.count { $0.text == "body" } == 2)
        }
    }

    @Test func `who waits too long is refused, and who leaves leaves his place`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream.gated(gate, "done")
        let yaml =
            namedUpstreams([("u", upstream.url)])
            + "routes: [{ name: r, path: /, upstream: u, concurrency: 1, queue: { length: 1, wait: 200ms } }]"
        try withGateway(yaml) { gateway throws in
            let first = try gateway.connect()
            try first.request("GET /")
            try Deadline.wait(for: "a request") { upstream.requests.count == 1 }
            let late = try gateway.answer("GET /")
            #expect(late.status == 503 && late["retry-after"] == "1")
            first.close()
            gate.open()
            try Deadline.wait(for: "a place") { try gateway.answer("GET /").status == 200 }
        }
    }
}
