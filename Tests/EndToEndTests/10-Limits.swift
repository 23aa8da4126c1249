import TestSupport
import Testing

/// `limits`: what is too large or too much is refused with the status that says so.
@Suite("10 Limits", .wholeProcess)
struct LimitTests {
    /// A request, the limits it meets, and the status it gets.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let limits: String
        let request: String
        let status: Int

        init(_ name: String, _ limits: String, _ request: String, _ status: Int) {
            testDescription = name
            self.limits = limits
            self.request = request
            self.status = status
        }

        static let all: [Row] = [
            .init("a long target", "request_line: 1KiB", "GET /\(String(repeating: "a", count: 2000))", 414),
            .init("a target within", "request_line: 1KiB", "GET /\(String(repeating: "a", count: 900))", 200),
            .init(
                "a large head",
                "request_line: 1KiB, head: 2KiB",
                "GET /\nx: \(String(repeating: "a", count: 3000))",
                431
            ),
            .init("many fields", "fields: 10", "GET /\n\((0..<20).map { "x\($0): 1" }.joined(separator: "\n"))", 431),
            .init("a long body", "body: 10B", "POST /\nContent-Length: 11\n\n01234567890", 413),
            .init("a body within", "body: 10B", "POST /\nContent-Length: 10\n\n0123456789", 200),
            .init(
                "long chunks",
                "body: 10B",
                "POST /\nTransfer-Encoding: chunked\n\n6\r\nabcdef\r\n6\r\nabcdef\r\n",
                413
            ),
            .init("chunks within", "body: 10B", "POST /\nTransfer-Encoding: chunked\n\n6\r\nabcdef\r\n0\r\n\r\n", 200),
            .init(
                "long chunk extensions",
                "chunk_extensions: 100B",
                "POST /\nTransfer-Encoding: chunked\n\n1;\(String(repeating: "a", count: 200))\r\na\r\n0\r\n\r\n",
                413
            ),
        ]
    }

    @Test(arguments: Row.all)
    func `a request is held against the limits`(_ row: Row) throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("limits: { \(row.limits) }\n\(proxying(upstream.url))") { gateway throws in
            let client = try gateway.connect()
            try client.request(row.request)
            let response = try client.response()
            #expect(response.status == row.status)
            guard row.status >= 400 else { return }
            #expect(response.closes)
            #expect(response["content-type"] == "application/json")
            #expect(try client.waitForEnd() == .closed)
        }
    }

    @Test func `the nearest limit of a body wins`() throws {
        let yaml = """
            limits: { body: 10B }
            listeners:
              - { name: public, address: "127.0.0.1:0" }
              - { name: wide, address: "[::1]:0", limits: { body: 20B } }
            routes:
              - { path: /route, limits: { body: 30B }, respond: { status: 200 } }
              - { path: /none, limits: { body: none }, respond: { status: 200 } }
              - { path: "/{rest*}", respond: { status: 200 } }
            """
        let body = { (count: Int) in "Content-Length: \(count)\n\n\(String(repeating: "b", count: count))" }
        try withGateway(yaml) { gateway throws in
            #expect(try gateway.answer("POST /\n\(body(11))").status == 413)
            #expect(try gateway.answer("POST /\n\(body(11))", listener: "wide").status == 200)
            #expect(try gateway.answer("POST /\n\(body(21))", listener: "wide").status == 413)
            #expect(try gateway.answer("POST /route\n\(body(30))", listener: "wide").status == 200)
            #expect(try gateway.answer("POST /route\n\(body(31))").status == 413)
            #expect(try gateway.answer("POST /none\n\(body(100))").status == 200)
        }
    }

    @Test func `idle connections make room for new ones, then new ones are refused`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("loops: 1\nlimits: { connections: 3 }\n\(proxying(upstream.url))") { gateway throws in
            let idle = try (0..<3).map { _ in
                let client = try gateway.connect()
                #expect(try client.answer("GET /").status == 200)
                return client
            }
            let busy = try (0..<3).map { _ in
                let client = try gateway.connect()
                try client.request("POST /\nExpect: 100-continue\nContent-Length: 5\n\n")
                #expect(try client.head().status == 100)
                return client
            }
            for client in idle { #expect(try client.waitForEnd() == .closed) }
            let response = try gateway.answer("GET /")
            #expect(response.status == 503)
            #expect(response["retry-after"] != nil)
            #expect(response.closes)
            for client in busy {
                try client.send("12345")
                #expect(try client.response().text == "12345")
            }
            #expect(try gateway.answer("GET /").status == 200)
        }
    }

    @Test func `the connection that has been idle longest makes room first`() throws {
        try withGateway("loops: 1\nlimits: { connections: 3 }\n\(Self.fixed)") { gateway throws in
            let kept = try (0..<3).map { _ in
                let client = try gateway.connect()
                #expect(try client.answer("GET /fixed").status == 200)
                return client
            }
            for number in [1, 0, 2] { #expect(try kept[number].answer("GET /fixed").status == 200) }
            var new: [RawClient] = []
            for number in [1, 0, 2] {
                new.append(try gateway.connect())
                #expect(try new[new.count - 1].answer("GET /fixed").status == 200)
                #expect(try kept[number].waitForEnd() == .closed)
            }
        }
    }

    @Test func `connections that are idle on another loop make room too`() throws {
        try withGateway("loops: 2\nlimits: { connections: 2 }\n\(Self.fixed)") { gateway throws in
            var kept: [RawClient] = []
            for _ in 0..<50 {
                let client = try gateway.connect()
                #expect(try client.answer("GET /fixed").status == 200)
                kept.append(client)
            }
        }
    }

    @Test func `one address has its own limit`() throws {
        let yaml = """
            loops: 1
            listeners: [{ name: public, address: "127.0.0.1:0" }]
            limits: { connections_per_address: 2 }
            \(Self.fixed)
            """
        try withGateway(yaml) { gateway throws in
            let first = try (0..<2).map { _ in
                let client = try gateway.connect()
                #expect(try client.answer("GET /fixed").status == 200)
                return client
            }
            #expect(try gateway.answer("GET /fixed").status == 503)
            let other = try RawClient(gateway.address(), source: "127.0.0.2")
            #expect(try other.answer("GET /fixed").status == 200)
            first[0].close()
            try Deadline.wait(for: "room") { try gateway.answer("GET /fixed").status == 200 }
            #expect(try first[1].answer("GET /fixed").status == 200)
        }
    }

    @Test func `a client that has gone keeps its place until its function has ended`() throws {
        let yaml = """
            loops: 1
            listeners: [{ name: public, address: "127.0.0.1:0" }]
            limits: { connections_per_address: 1 }
            functions:
              slow:
                command: [sh, -c, "cat >event; touch started; until test -e gate; do sleep 0.02; done; echo null"]
                protocol: exec
                timeout: 60s
            routes:
              - { path: /slow, function: slow }
              - { path: /fixed, respond: { body: fixed } }
            """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /slow")
            try Deadline.wait(for: "the function") { gateway.folder.has("started") }
            #expect(try RawClient(gateway.address(), source: "127.0.0.2").answer("GET /fixed").status == 200)
            client.reset()
            for _ in 0..<5 { #expect(try gateway.answer("GET /fixed").status == 503) }
            try gateway.folder.write("gate", "")
            try Deadline.wait(for: "its end") { try gateway.answer("GET /fixed").status == 200 }
        }
    }

    @Test func `thousands of pipelined requests are answered, whatever the client reads`() throws {
        try withGateway(Self.fixed) { gateway throws in
            let client = try gateway.connect()
            let count = 3000
            TestThread.start {
                try? client.send(String(repeating: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
            }
            let reader = client
            for _ in 0..<count { #expect(try reader.response(to: "OPTIONS").status == 204) }
            #expect(try reader.answer("GET /fixed").status == 200)
        }
    }

    @Test func `a client that pipelines without reading is held back`() throws {
        try withGateway(Self.fixed) { gateway throws in
            let client = try gateway.connect(receiveBuffer: 4096)
            let before = gateway.process.residentKiB
            let requests = String(repeating: "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n", count: 1_000_000)
            let sent = try client.sendSome(Array(requests.utf8), seconds: 1)
            #expect(sent < requests.utf8.count)
            #expect(gateway.process.residentKiB - before < 8192)
        }
    }

    private static let fixed = """
        routes:
          - { path: /fixed, respond: { status: 200, body: "fixed\\n" } }
        """
}
