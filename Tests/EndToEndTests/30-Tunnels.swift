import TestSupport
import Testing

/// WebSockets: asked for, granted, and then bytes in both directions (RFC 6455).
@Suite("30 Tunnels", .wholeProcess)
struct TunnelTests {
    /// The example of RFC 6455 §1.3.
    private static let handshake = """
        GET /chat
        Connection: keep-alive, Upgrade
        Upgrade: websocket
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
        Sec-WebSocket-Version: 13
        """

    private static func granted(_ accept: String = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") -> String {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept)\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
    }

    /// An upstream that grants every WebSocket, and sends back what comes until its client ends.
    private func echo() throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.send(Self.granted())
            while let bytes = try connection.take(1) { try connection.send(bytes) }
            try connection.sendLast("bye")
        }
    }

    private func configuration(_ upstream: ScriptedUpstream, settings: String = "timeouts: { idle: 20s }") -> String {
        "loops: 1\ntimeouts: { idle: 1s, head: 1s, body: 1s }\n"
            + proxying(upstream.url, settings: settings, route: "websocket: true")
    }

    @Test func `bytes go both ways, from the first behind the request to the last behind the client's end`() throws {
        let upstream = try echo()
        try withGateway(configuration(upstream)) { gateway throws in
            let client = try gateway.connect()
            try client.send(RawClient.wire(Self.handshake) + "early")
            let head = try client.head()
            #expect(head.status == 101)
            #expect(head["upgrade"] == "websocket" && head["connection"] == "upgrade")
            #expect(head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(head["sec-websocket-protocol"] == "chat")
            #expect(head["content-length"] == nil && head["transfer-encoding"] == nil)
            #expect(try client.take(5) == Array("early".utf8))
            try client.send([0x81, 0x02, 0x00, 0xFF])
            #expect(try client.take(4) == [0x81, 0x02, 0x00, 0xFF])
            try client.send("last")
            client.endOutput()
            #expect(try client.take(7) == Array("lastbye".utf8))
            #expect(try client.waitForEnd() == .closed)
            let request = try #require(upstream.requests.first)
            #expect(request["upgrade"] == "websocket" && request["connection"] == "upgrade")
            #expect(request["sec-websocket-key"] == "dGhlIHNhbXBsZSBub25jZQ==")
        }
    }

    @Test func `much goes both ways at once, as fast as the slower side takes it`() throws {
        let upstream = try echo()
        try withGateway(configuration(upstream)) { gateway throws in
            let client = try gateway.connect("public", receiveBuffer: 4096)
            try client.request(Self.handshake)
            #expect(try client.head().status == 101)
            let size = 300_000
            TestThread.start { try? client.send([UInt8](repeating: 7, count: size)) }
            #expect(try client.skip(size))
        }
    }

    @Test(arguments: ["wrong", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=", ""])
    func `a grant that answers another request is none`(_ accept: String) throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.send(Self.granted(accept))
            _ = try connection.take(1)
        }
        try withGateway(configuration(upstream)) { gateway throws in
            #expect(try gateway.answer(Self.handshake).status == 502)
        }
    }

    @Test(arguments: [
        ("websocket: true", "Upgrade: h2c"), ("websocket: true", "Upgrade: h2c, foo"),
        ("websocket: false", "Upgrade: websocket"),
    ])
    func `nothing else is ever granted`(_ route: String, _ field: String) throws {
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.request() {
                try connection.respond("200 OK", request["upgrade"] ?? request["connection"] ?? "no upgrade")
            }
        }
        try withGateway("loops: 1\n" + proxying(upstream.url, route: route)) { gateway throws in
            let request = Self.handshake.replacing("Upgrade: websocket", with: field)
            #expect(try gateway.answer(request).text == "no upgrade")
        }
        let liar = try ScriptedUpstream(answering: Self.granted())
        try withGateway("loops: 1\n" + proxying(liar.url, route: route)) { gateway throws in
            let request = Self.handshake.replacing("Upgrade: websocket", with: field)
            #expect(try gateway.answer(request).status == 502)
        }
    }

    @Test func `a refusal is an answer like any other`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.respond("403 Forbidden", "no") }
        }
        try withGateway(configuration(upstream)) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<2 { #expect(try client.answer(Self.handshake).text == "no") }
            #expect(upstream.connections == 1)
        }
    }

    @Test func `a tunnel in which nothing is said ends, one that is used does not`() throws {
        let upstream = try echo()
        try withGateway(configuration(upstream, settings: "timeouts: { idle: 600ms }")) { gateway throws in
            let used = try gateway.connect()
            try used.request(Self.handshake)
            #expect(try used.head().status == 101)
            let silent = try gateway.connect()
            try silent.request(Self.handshake)
            #expect(try silent.head().status == 101)
            let over = Gate()
            TestThread.start {
                _ = try? silent.waitForEnd()
                over.open()
            }
            let deadline = Deadline()
            while !over.isOpen, !deadline.hasPassed {
                try used.send("x")
                #expect(try used.take(1) == [0x78])
            }
            #expect(over.isOpen)
            try used.send("y")
            #expect(try used.take(1) == [0x79])
        }
    }

    @Test func `a reload leaves tunnels as they are`() throws {
        let upstream = try echo()
        let text = configuration(upstream)
        try withGateway(text) { gateway throws in
            let client = try gateway.connect()
            try client.request(Self.handshake)
            #expect(try client.head().status == 101)
            for number in 0..<5 {
                #expect(try gateway.reload(text.replacing("idle: 20s", with: "idle: \(21 + number)s")))
                try client.send("\(number)")
                #expect(try client.take(1) == Array("\(number)".utf8))
            }
        }
    }

    @Test func `the log says what became of it`() throws {
        let upstream = try echo()
        let text = "access_log: { format: json }\n" + configuration(upstream)
        try withGateway(text) { gateway throws in
            let client = try gateway.connect()
            try client.request(Self.handshake)
            #expect(try client.head().status == 101)
            try client.send("12345")
            client.endOutput()
            #expect(try client.take(8) == Array("12345bye".utf8))
            let line = try gateway.waitForAccessLog(1)[0]
            #expect(line.contains("\"status\":101"))
            #expect(line.contains("8"), "\(line)")
        }
    }
}
