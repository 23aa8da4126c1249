import Glibc
import TestSupport
import Testing

/// What a client gets when its upstream fails, and what the log says.
@Suite("30 Failing upstreams", .wholeProcess)
struct FailingUpstreamTests {
    private static let logged = "access_log: { to: stdout }\n"

    /// An answer that is none.
    struct Malformed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: String

        init(_ name: String, _ bytes: String) {
            testDescription = name
            self.bytes = bytes
        }

        static let all: [Malformed] = [
            .init("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n"),
            .init("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
            .init("no status", "HTTP/1.1 OK\r\n\r\n"),
            .init("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"),
            .init("a status of 99", "HTTP/1.1 099 OK\r\n\r\n"),
            .init("HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
            .init("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            .init("a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na"),
            .init(
                "length and chunks",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            .init("an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            .init("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
            .init("a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
            .init("NUL in a value", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
            .init("CR in a value", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"),
            .init("a head without end", "HTTP/1.1 200 OK\r\n" + String(repeating: "x: y\r\n", count: 30_000)),
            .init("101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            .init("nothing", ""),
            .init("half a head", "HTTP/1.1 200 OK\r\nContent-Le"),
        ]
    }

    @Test(arguments: Malformed.all)
    func `an answer that is not HTTP is 502`(_ answer: Malformed) throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send(answer.bytes)
            connection.endOutput()
            _ = try connection.waitForEnd()
        }
        try withGateway(Self.logged + proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            let response = try client.answer("GET /")
            #expect(response.status == 502)
            #expect(response.text.hasPrefix("{\"message\":\"Bad Gateway\",\"requestId\":\""))
            #expect(!response.closes)
            #expect(try gateway.waitForAccessLog(1)[0].contains("error=\"upstream: "))
            #expect(try client.answer("GET /").status == 502)
        }
    }

    @Test(arguments: [
        "Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf!\r\n",
    ])
    func `a cut body cuts the client's`(_ rest: String) throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\n\(rest)")
        }
        try withGateway(Self.logged + proxying(upstream.url)) { gateway throws in
            let response = try gateway.answer("GET /")
            #expect(response.status == 200)
            #expect(response.isCut)
            let line = try gateway.waitForAccessLog(1)[0]
            #expect(line.contains(" 200 ") && line.contains("error=\"upstream: "), "\(line)")
            // For a client that reads until the end, only a reset says that it is not whole.
            let old = try? gateway.answer("GET / HTTP/1.0")
            #expect(old?.isCut != false)
        }
    }

    @Test func `surplus bytes close the connection, and nobody gets them`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
            if connection.number % 2 == 1 {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue\(surplus)")
            } else {
                try connection.respond("200 OK", "true")
                connection.pause(milliseconds: 20)
                try connection.send(surplus)
            }
            _ = try connection.waitForEnd()
        }
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            for number in 1...6 {
                #expect(try gateway.answer("GET /").text == "true")
                try Deadline.wait(for: "the end of the connection") { upstream.ended == number }
            }
            #expect(upstream.connections == 6)
            #expect(upstream.failures.isEmpty)
        }
    }

    @Test func `nobody listens: 502`() throws {
        try withGateway(Self.logged + proxying("http://127.0.0.1:1")) { gateway throws in
            #expect(try gateway.answer("GET /").status == 502)
            #expect(try gateway.answer("POST /\nContent-Length: 4\n\nbody").status == 502)
            #expect(try gateway.waitForAccessLog(2)[0].contains("Connection refused"))
        }
    }

    @Test func `the next address is tried where the first does not listen`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(proxying("http://127.0.0.1:1", upstream.url)) { gateway throws in
            for _ in 0..<4 {
                #expect(try gateway.answer("GET /").text == "echo")
                #expect(try gateway.answer("POST /\nContent-Length: 4\n\nbody").text == "body")
            }
        }
    }

    @Test func `a connect that takes too long is 504`() throws {
        let full = try FullListener()
        let yaml = Self.logged + proxying("http://127.0.0.1:\(full.port)", settings: "timeouts: { connect: 300ms }")
        try withGateway(yaml) { gateway throws in
            let response = try gateway.answer("GET /")
            #expect(response.status == 504)
            #expect(response.text.contains("\"message\":\"Gateway Timeout\""))
            #expect(try gateway.waitForAccessLog(1)[0].contains("timeouts.connect"))
        }
    }

    @Test func `an upstream that does not answer in time is 504`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            _ = try connection.waitForEnd()
        }
        let yaml = Self.logged + proxying(upstream.url, settings: "timeouts: { first_byte: 300ms }")
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            #expect(try client.answer("GET /").status == 504)
            #expect(try client.answer("POST /\nContent-Length: 2\n\nhi").status == 504)
            #expect(try gateway.waitForAccessLog(1)[0].contains("timeouts.first_byte"))
        }
    }

    @Test func `the time for the first byte does not run while the client sends`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(proxying(upstream.url, settings: "timeouts: { first_byte: 800ms, idle: 800ms }")) {
            gateway throws in
            let client = try gateway.connect()
            try client.request("POST /\nContent-Length: 10\n\n")
            for _ in 0..<10 {
                usleep(100_000)
                try client.send("x")
            }
            #expect(try client.response().text == "xxxxxxxxxx")
        }
    }

    @Test func `silence inside an answer cuts it`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            _ = try connection.waitForEnd()
        }
        let yaml = Self.logged + proxying(upstream.url, settings: "timeouts: { idle: 300ms }")
        try withGateway(yaml) { gateway throws in
            let response = try gateway.answer("GET /")
            #expect(response.status == 200)
            #expect(response.isCut)
            #expect(try gateway.waitForAccessLog(1)[0].contains("timeouts.idle"))
        }
    }

    @Test func `silence inside a head is 504`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nContent-")
            _ = try connection.waitForEnd()
        }
        try withGateway(proxying(upstream.url, settings: "timeouts: { idle: 300ms, first_byte: 400ms }")) {
            gateway throws in
            #expect(try gateway.answer("GET /").status == 504)
        }
    }

    @Test func `the timeout of a route ends it whatever the upstream does`() throws {
        let upstream = try ScriptedUpstream { connection in
            let request = try connection.request()
            if request?.line.hasPrefix("GET /half") == true {
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            }
            _ = try connection.waitForEnd()
            throw SupportError("let go")
        }
        try withGateway(Self.logged + proxying(upstream.url, route: "timeout: 300ms")) { gateway throws in
            let client = try gateway.connect()
            let response = try client.answer("GET /")
            #expect(response.status == 504)
            #expect(response.text.contains("Endpoint request timed out"))
            #expect(try gateway.answer("GET /half").isCut)
            #expect(try gateway.waitForAccessLog(2)[0].contains("the route's timeout"))
            try Deadline.wait(for: "both connections to be let go") { upstream.failures.count == 2 }
        }
    }

    @Test func `once an event stream has begun, silence ends it and not the timeout of the route`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n")
            try connection.send("Transfer-Encoding: chunked\r\n\r\n5\r\n: 1\n\n\r\n")
            connection.pause(milliseconds: 1000)
            try connection.send("5\r\n: 2\n\n\r\n")
            _ = try connection.waitForEnd()
        }
        let yaml = proxying(upstream.url, settings: "timeouts: { idle: 2s }", route: "timeout: 600ms")
        try withGateway(Self.logged + yaml) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /")
            #expect(try client.head().status == 200)
            #expect(try client.chunk() == Array(": 1\n\n".utf8))
            #expect(try client.chunk() == Array(": 2\n\n".utf8))
            #expect(try client.chunk() == nil)
            #expect(try gateway.waitForAccessLog(1)[0].contains("timeouts.idle of the upstream"))
        }
    }

    @Test func `a reset is 502, and the gateway lives`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            connection.reset()
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            for _ in 0..<5 { #expect(try gateway.answer("GET /").status == 502) }
        }
    }
}
