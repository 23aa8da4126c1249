import TestSupport
import Testing

/// Requests that another target answers where one has failed.
@Suite("30 Fallback", .wholeProcess)
struct FallbackTests {
    @Test func `another target answers where one has failed, with the body`() throws {
        let failing = try ScriptedUpstream.fixed("busy", "503 Service Unavailable")
        let good = try ScriptedUpstream.fixed("fine")
        let yaml =
            NamedFunction.yaml
            + namedUpstreams([("failing", failing.url), ("good", good.url), ("none", "http://127.0.0.1:1")]) + """
                routes:
                  - { path: /none, upstream: none, fallback: [{ function: f }] }
                  - { path: /busy, upstream: failing, fallback: [{ function: f }] }
                  - { path: /chain, upstream: none, fallback: [{ upstream: failing }, { respond: { status: 200, body: sorry } }] }
                  - { path: /three/crash, upstream: none, fallback: [{ function: f }, { respond: { status: 200, body: sorry } }] }
                  - { path: /last, upstream: none, fallback: [{ upstream: failing }] }
                  - { path: /on, upstream: failing, fallback: { on: error, targets: { function: f } } }
                  - { path: /crash, function: f, fallback: [{ upstream: good }] }
                  - { path: /teapot, function: f, fallback: [{ upstream: good }] }
                  - { path: /small, upstream: failing, buffer: { request: 10B }, fallback: [{ function: f }, { respond: { body: none } }] }
                """
        let rows = [
            ("/none", 200, "function body", "function=f"), ("/busy", 200, "function body", "function=f"),
            ("/chain", 200, "sorry", " respond "), ("/three/crash", 200, "sorry", " respond "),
            ("/last", 503, "busy", "upstream=failing"),
            ("/on", 503, "busy", "upstream=failing"), ("/crash", 200, "fine", "upstream=good"),
            ("/teapot", 200, "fine", "upstream=good"), ("/small", 200, "function body", "function=f"),
        ]
        try withGateway(yaml, folder: NamedFunction.folder()) { gateway throws in
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
            namedUpstreams([("u", upstream.url)])
            + "routes: [{ path: /, upstream: u, fallback: [{ respond: { body: other } }] }]"
        try withGateway(yaml) { gateway throws in
            let answer = try gateway.answer("GET /")
            #expect(answer.status == 200 && answer.isCut && answer.text == "half")
        }
    }

    /// A body as it goes over the wire, and what the last target sees of it.
    struct Framing: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let wire: String
        let body: String
        let trailers: [String]

        static let all = [
            Framing(testDescription: "none", wire: "Content-Length: 0", body: "", trailers: []),
            Framing(testDescription: "length", wire: "Content-Length: 5\n\nabcde", body: "abcde", trailers: []),
            Framing(
                testDescription: "chunks",
                wire: "Transfer-Encoding: chunked\n\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                body: "abcde",
                trailers: []
            ),
            Framing(
                testDescription: "chunks and trailers",
                wire: "Transfer-Encoding: chunked\n\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\nX-Other: 8\r\n\r\n",
                body: "abcde",
                trailers: ["x-sum: 7", "x-other: 8"]
            ),
        ]
    }

    @Test(arguments: Framing.all)
    func `the next target gets the body, however it came, and its trailers`(_ framing: Framing) throws {
        let failing = try ScriptedUpstream.fixed("busy", "503 Service Unavailable")
        let cutting = try ScriptedUpstream { connection in _ = try connection.request() }
        let good = try ScriptedUpstream.fixed("good")
        let yaml =
            NamedFunction.yaml
            + namedUpstreams([
                ("failing", failing.url), ("cutting", cutting.url), ("good", good.url), ("none", "http://127.0.0.1:1"),
            ]) + """
                routes:
                  - { path: /failing, upstream: failing, fallback: [{ upstream: good }] }
                  - { path: /cutting, upstream: cutting, fallback: [{ upstream: good }] }
                  - { path: /none, upstream: none, fallback: [{ upstream: good }] }
                  - { path: /all, upstream: none, fallback: [{ upstream: failing }, { upstream: cutting }, { upstream: good }] }
                  - { path: "/function/crash", function: f, fallback: [{ upstream: good }] }
                  - { path: /to/function, upstream: failing, fallback: [{ function: f }] }
                """
        try withGateway(yaml, folder: NamedFunction.folder()) { gateway throws in
            let client = try gateway.connect()
            for path in ["/failing", "/cutting", "/none", "/all", "/function/crash"] {
                let before = good.requests.count
                #expect(try client.answer("POST \(path)\n\(framing.wire)").text == "good", "\(path)")
                let seen = try #require(good.requests.dropFirst(before).first, "\(path)")
                #expect(seen.text == framing.body, "\(path)")
                #expect(seen.trailers.map { "\($0.name): \($0.value)" } == framing.trailers, "\(path)")
            }
            let answer = try client.answer("POST /to/function\nContent-Type: text/plain\n\(framing.wire)")
            #expect(answer.text == "function \(framing.body)")
        }
    }

    @Test func `the route's timeout ends whoever has the request, and nobody is asked behind it`() throws {
        let failing = try ScriptedUpstream.fixed("busy", "503 Service Unavailable")
        let good = try ScriptedUpstream.fixed("good")
        let silent = try ScriptedUpstream { connection in
            _ = try connection.request()
            _ = try connection.waitForEnd()
        }
        let yaml =
            namedUpstreams([("failing", failing.url), ("good", good.url), ("silent", silent.url)]) + """
                defaults: { route: { timeout: 300ms } }
                routes:
                  - { path: /first, upstream: silent, fallback: [{ upstream: good }] }
                  - { path: /second, upstream: failing, fallback: [{ upstream: silent }, { upstream: good }] }
                  - { path: /split, split: [{ upstream: silent }, { weight: 0, upstream: good }], fallback: [{ respond: {} }] }
                  - { path: /split/second, split: [{ upstream: failing }], fallback: [{ upstream: silent }] }
                  - { path: /page, upstream: silent, error_pages: { status: 504, body: late } }
                  - { path: /page/second, upstream: failing, fallback: [{ upstream: silent }], error_pages: { status: 504, body: late } }
                """
        let paths = ["/first", "/second", "/split", "/split/second", "/page", "/page/second"]
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            for (number, path) in paths.enumerated() {
                let answer = try client.answer("POST \(path)\nContent-Length: 4\n\nbody")
                #expect(answer.status == 504, "\(path)")
                let text = path.hasPrefix("/page") ? "late" : "{\"message\":\"Endpoint request timed out\""
                #expect(answer.text.hasPrefix(text), "\(path): \(answer.text)")
                let line = try gateway.waitForAccessLog(number + 1)[number]
                #expect(line.contains("upstream=silent") && line.contains("the route's timeout"), "\(line)")
                try Deadline.wait(for: "the end of the connection") { silent.ended == number + 1 }
            }
            #expect(good.requests.isEmpty)
            #expect(silent.requests.map(\.text) == paths.map { _ in "body" })
        }
    }
}
