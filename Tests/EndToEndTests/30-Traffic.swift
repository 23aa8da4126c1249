import Glibc
import TestSupport
import Testing

/// Requests that one of several targets answers: splits, fallbacks, pages, copies and places.
@Suite("30 Traffic", .wholeProcess)
struct TrafficTests {
    private static func fixed(_ text: String, _ status: String = "200 OK") throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.respond(status, text) }
        }
    }

    private static func upstreams(_ named: [(name: String, url: String)]) -> String {
        "access_log: { to: stdout, format: text }\nupstreams:\n"
            + named.map { "  \($0.name): { endpoints: \"\($0.url)\", health: { passive: false } }\n" }.joined()
    }

    /// A folder with a Python function that answers with its name, its version of the path and its body.
    private static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(
            "app.py",
            """
            def handler(event, context):
                if event["rawPath"].endswith("/crash"): raise ValueError("no")
                if event["rawPath"].endswith("/teapot"): return {"statusCode": 503, "body": "teapot"}
                return {"statusCode": 200, "body": "function " + (event.get("body") or "")}
            """
        )
        return folder
    }

    private static let function = "functions: { f: { handler: \"app.py:handler\", interpreter: /usr/bin/python3 } }\n"

    // MARK: Split

    @Test func `requests are split by weight, and logs name who answered`() throws {
        let a = try Self.fixed("a")
        let b = try Self.fixed("b")
        let yaml =
            Self.upstreams([("a", a.url), ("b", b.url)]) + """
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
        let a = try Self.fixed("a")
        let b = try Self.fixed("b")
        func yaml(_ first: Int) -> String {
            Self.upstreams([("a", a.url), ("b", b.url)]) + """
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

    // MARK: Fallback

    @Test func `another target answers where one has failed, with the body`() throws {
        let failing = try Self.fixed("busy", "503 Service Unavailable")
        let good = try Self.fixed("fine")
        let yaml =
            Self.function
            + Self.upstreams([("failing", failing.url), ("good", good.url), ("none", "http://127.0.0.1:1")]) + """
                routes:
                  - { path: /none, upstream: none, fallback: [{ function: f }] }
                  - { path: /busy, upstream: failing, fallback: [{ function: f }] }
                  - { path: /chain, upstream: none, fallback: [{ upstream: failing }, { respond: { status: 200, body: sorry } }] }
                  - { path: /last, upstream: none, fallback: [{ upstream: failing }] }
                  - { path: /on, upstream: failing, fallback: { on: error, targets: { function: f } } }
                  - { path: /crash, function: f, fallback: [{ upstream: good }] }
                  - { path: /teapot, function: f, fallback: [{ upstream: good }] }
                  - { path: /small, upstream: failing, buffer: { request: 10B }, fallback: [{ function: f }, { respond: { body: none } }] }
                """
        let rows = [
            ("/none", 200, "function body", "function=f"), ("/busy", 200, "function body", "function=f"),
            ("/chain", 200, "sorry", " respond "), ("/last", 503, "busy", "upstream=failing"),
            ("/on", 503, "busy", "upstream=failing"), ("/crash", 200, "fine", "upstream=good"),
            ("/teapot", 200, "fine", "upstream=good"), ("/small", 200, "function body", "function=f"),
        ]
        try withGateway(yaml, folder: Self.folder()) { gateway throws in
            let client = try gateway.connect()
            for (number, (path, status, text, target)) in rows.enumerated() {
                let answer = try client.answer("POST \(path)\nContent-Type: text/plain\nContent-Length: 4\n\nbody")
                #expect(answer.status == status, "\(path)")
                #expect(answer.text == text, "\(path)")
                let lines = try gateway.waitForAccessLog(number + 1)
                let line = lines.last ?? ""
                #expect(line.contains(target), "\(line)")
            }
            #expect(try client.answer("POST /small\nContent-Length: 11\n\n0123456789a").text == "none")
        }
    }

    @Test func `what has begun to leave is cut, not replaced`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        }
        let yaml =
            Self.upstreams([("u", upstream.url)])
            + "routes: [{ path: /, upstream: u, fallback: [{ respond: { body: other } }] }]"
        try withGateway(yaml) { gateway throws in
            let answer = try gateway.answer("GET /")
            #expect(answer.status == 200 && answer.isCut && answer.text == "half")
        }
    }

    // MARK: Pages

    @Test func `errors have pages, the nearest first`() throws {
        let broken = try Self.fixed("its own", "502 Bad Gateway")
        let folder = try TemporaryFolder()
        try folder.write("gone.html", "<h1>gone</h1>")
        let yaml =
            """
            error_pages:
              - { status: 404, file: gone.html }
              - { status: [400-499, 502], body: "<p>{status} {message} {request_id} {x}</p>" }
            """ + "\n" + Self.upstreams([("broken", broken.url), ("none", "http://127.0.0.1:1")]) + """
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

    // MARK: Mirror

    @Test func `copies are made beside the requests, and nobody waits for them`() throws {
        let shadow = try ScriptedUpstream { connection in
            // It never answers.
            while try connection.request() != nil {}
        }
        let main = try ScriptedUpstream.echo()
        let yaml =
            "admin: { address: \"\(Loopback.listener)\" }\n"
            + Self.upstreams([("main", main.url), ("shadow", shadow.url), ("none", "http://127.0.0.1:1")]) + """
                routes:
                  - { name: copied, path: "/a/{rest*}", upstream: main, rewrite: { path: "/b/{rest}" }, mirror: { upstream: shadow } }
                  - { name: lost, path: /lost, upstream: main, mirror: { upstream: none } }
                  - { name: never, path: /never, upstream: main, mirror: { upstream: shadow, percent: 0% } }
                """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            let answer = try client.answer("POST /a/x?y=1\nContent-Length: 4\n\nbody")
            #expect(answer.text == "body")
            try Deadline.wait(for: "the copy") { shadow.requests.count == 1 }
            let copy = try #require(shadow.requests.first)
            let original = try #require(main.requests.first)
            #expect(copy.line == "POST /b/x?y=1 HTTP/1.1")
            #expect(copy.text == "body")
            #expect(copy["x-request-id"] == original["x-request-id"])
            #expect(copy["x-forwarded-for"] == original["x-forwarded-for"])
            #expect(try client.answer("GET /lost").text == "echo")
            #expect(try client.answer("GET /never").text == "echo")
            try Deadline.wait(for: "the failed copy") {
                let metrics = try gateway.answer("GET /metrics", listener: "admin").text
                return metrics.contains("penstock_mirrored_requests_total{route=\"lost\",result=\"failed\"} 1")
            }
            #expect(shadow.requests.count == 1)
            #expect(try gateway.waitForAccessLog(3).count == 3)
            // A large body does not wait for a copy that nobody reads.
            let large = String(repeating: "x", count: 1_000_000)
            #expect(
                try client.answer("POST /a/x\nContent-Length: \(large.utf8.count)\n\n\(large)").body.count == 1_000_000
            )
        }
    }

    @Test func `a function may have the copies`() throws {
        let main = try ScriptedUpstream.echo()
        let yaml =
            "admin: { address: \"\(Loopback.listener)\" }\n" + Self.function + Self.upstreams([("main", main.url)])
            + "routes: [{ name: r, path: /, upstream: main, mirror: { function: f } }]"
        try withGateway(yaml, folder: Self.folder()) { gateway throws in
            for _ in 0..<3 { #expect(try gateway.answer("POST /\nContent-Length: 4\n\nbody").text == "body") }
            try Deadline.wait(for: "the copies") {
                let metrics = try gateway.answer("GET /metrics", listener: "admin").text
                return metrics.contains("penstock_mirrored_requests_total{route=\"r\",result=\"sent\"} 3")
                    && metrics.contains("penstock_function_invocations_total{function=\"f\"} 3")
            }
        }
    }

    // MARK: Concurrency

    @Test func `so many requests run, so many wait, more are refused, also after a reload`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                gate.pass()
                try connection.respond("200 OK", "done")
            }
        }
        let yaml =
            Self.upstreams([("u", upstream.url)])
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
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                gate.pass()
                try connection.respond("200 OK", "done")
            }
        }
        let yaml =
            Self.upstreams([("u", upstream.url)])
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
