import TestSupport
import Testing

/// The client side's `timeouts`: who is slow is told so with 408, and costs no more than his connection.
@Suite("10 Deadlines of clients", .wholeProcess)
struct DeadlineTests {
    @Test func `a head that does not end is 408`() throws {
        try withGateway(Self.yaml("head: 300ms")) { gateway throws in
            let client = try gateway.connect()
            try client.send("GET /fixed HTTP/1.1\r\nHost: exam")
            let response = try client.response()
            #expect(response.status == 408)
            #expect(response.text.contains("\"message\":\"Request Timeout\""))
            #expect(response.closes)
            #expect(try client.waitForEnd() == .closed)
            #expect(try gateway.waitForAccessLog(1)[0].contains("error=\"client: timeouts.head\""))
        }
    }

    @Test func `a byte now and then does not prolong a head`() throws {
        try withGateway(Self.yaml("head: 300ms")) { gateway throws in
            let client = try gateway.connect()
            try client.send("GET /fixed HTTP/1.1\r\nx: ")
            let deadline = Deadline()
            while client.buffer.isEmpty, !deadline.hasPassed {
                try client.send("y")
                if client.staysOpen(seconds: 0.02) == false { break }
                if !client.buffer.isEmpty { break }
            }
            #expect(try client.response().status == 408)
        }
    }

    @Test func `a client that says nothing is closed without a word`() throws {
        try withGateway(Self.yaml("head: 200ms")) { gateway throws in
            let client = try gateway.connect()
            #expect(try client.waitForEnd() == .closed)
            #expect(client.buffer.isEmpty)
        }
    }

    @Test func `a kept connection without a request is closed`() throws {
        try withGateway(Self.yaml("idle: 200ms")) { gateway throws in
            let client = try gateway.connect()
            #expect(try client.answer("GET /fixed").status == 200)
            #expect(try client.waitForEnd() == .closed)
            #expect(client.buffer.isEmpty)
        }
    }

    @Test(arguments: ["Content-Length: 100\n\nsome", "Transfer-Encoding: chunked\n\n5\r\nsome"])
    func `silence inside a body is 408`(_ rest: String) throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml("body: 300ms", upstream)) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST /echo/\n\(rest)")
            #expect(try client.response().status == 408)
            #expect(try client.waitForEnd() == .closed)
            #expect(try gateway.waitForAccessLog(1)[0].contains("error=\"client: timeouts.body: "))
        }
    }

    /// The rule looks at ten seconds at a time: the one slow test of the suite.
    @Test func `a body that comes too slowly is 408`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml("body: 5s, body_rate: 1000", upstream)) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST /echo/\nContent-Length: 1000000\n\n")
            let started = Deadline.now
            while client.buffer.isEmpty, Deadline.now - started < 25 {
                try client.send("slowly")
                _ = client.staysOpen(seconds: 0.2)
            }
            #expect(try client.response().status == 408)
            #expect(Deadline.now - started > 9)
            #expect(try gateway.waitForAccessLog(1)[0].contains("error=\"client: timeouts.body_rate: "))
        }
    }

    @Test func `a client that takes nothing of its answer is dropped`() throws {
        let big = String(repeating: "x", count: 8_000_000)
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.respond("200 OK", big)
        }
        try withGateway(Self.yaml("write: 300ms", upstream)) { gateway throws in
            let client = try gateway.connect(receiveBuffer: 4096)
            try client.request("GET /echo/")
            let line = try gateway.waitForAccessLog(1)[0]
            #expect(line.contains("timeouts.write"), "\(line)")
        }
    }

    @Test func `an upload that the upstream holds back is not the client's fault`() throws {
        let body = String(repeating: "x", count: 3_000_000)
        let upstream = try ScriptedUpstream { connection in
            guard let head = try connection.head() else { return }
            connection.pause(milliseconds: 1200)
            let length = Int(head["content-length"] ?? "") ?? 0
            _ = try connection.take(length)
            try connection.respond("200 OK", "\(length)")
        }
        try withGateway(Self.yaml("body: 300ms", upstream)) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST /echo/\nContent-Length: \(body.utf8.count)\n\n\(body)")
            #expect(try client.response().text == "\(body.utf8.count)")
        }
    }

    @Test func `a handful of slow clients does not keep an honest one waiting`() throws {
        try withGateway(Self.yaml("head: 5s")) { gateway throws in
            let slow = try (0..<200).map { _ in
                let client = try gateway.connect()
                try client.send("GET /fixed HTTP/1.1\r\nHost:")
                return client
            }
            for _ in 0..<20 { #expect(try gateway.answer("GET /fixed").status == 200) }
            for client in slow { client.close() }
        }
    }

    private static func yaml(_ timeouts: String, _ upstream: ScriptedUpstream? = nil) -> String {
        """
        access_log: { to: stdout }
        timeouts: { \(timeouts) }
        upstreams:
          echo: { endpoints: ["\(upstream?.url ?? "http://127.0.0.1:9")"] }
        routes:
          - { path: /fixed, respond: { status: 200, body: "fixed\\n" } }
          - { path: "/echo/{rest*}", upstream: echo }
        """
    }
}
