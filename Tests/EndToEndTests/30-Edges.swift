import TestSupport
import Testing

/// Bytes and ends that wait in the kernel when others are read: none is forgotten, and none reaches a stranger.
@Suite("30 Edges of what is read", .wholeProcess)
struct EdgeTests {
    /// An answer of so many bytes, head and body together.
    private static func filling(_ count: Int) -> String {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(count - 50)\r\n\r\n"
        let length = count - head.utf8.count
        return "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n" + String(repeating: "b", count: length)
    }

    /// Not where the end of the answer is one of a segment, too: what comes later looks like the next answer, to anybody.
    @Test(arguments: [1000, 60_000, 200_000])
    func `surplus bytes behind an answer reach nobody`(length: Int) throws {
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.request() {
                guard request.line.hasPrefix("GET /full") else {
                    try connection.respond("200 OK", "true")
                    continue
                }
                try connection.send(Self.filling(length) + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            }
        }
        try withGateway("loops: 1\n" + proxying(upstream.url)) { gateway throws in
            for _ in 0..<20 {
                let client = try gateway.connect()
                try client.request("GET /full")
                try client.request("GET /next")
                #expect(try client.response().status == 200)
                #expect(try client.response().text == "true")
            }
        }
    }

    @Test func `a connection that ended with its answer is given to no other request`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.sendLast("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        try withGateway("loops: 1\n" + proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            let count = 20
            for _ in 0..<count { try client.request("POST /\nContent-Length: 2\n\nhi") }
            for _ in 0..<count { #expect(try client.response().text == "ok") }
            #expect(upstream.connections == count)
        }
    }

    @Test func `an answer that ends with a reset is cut, also while its request is sent`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.head() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npartial")
            connection.pause(milliseconds: 20)
            connection.reset()
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            for _ in 0..<20 {
                let client = try gateway.connect()
                try client.request("POST /\nContent-Length: 10000000\n\n")
                TestThread.start { try? client.send(String(repeating: "x", count: 10_000_000)) }
                let response = try? client.response()  // a reset may overtake its head
                #expect(response?.isCut != false || response?.status == 502)
            }
        }
    }

    @Test func `who ends its side while an answer is held back gets all that it has asked for`() throws {
        let program = #"[python3, -c, "print('\"' + 'b' * 5000000 + '\"')"]"#
        let yaml = """
            functions: { large: { command: \(program), protocol: exec } }
            routes: [{ path: /large, function: large }, { path: /fixed, respond: { body: fixed } }]
            """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect(receiveBuffer: 4096)
            try client.request("GET /large")
            for _ in 0..<3 { try client.request("GET /fixed") }
            #expect(try client.head().status == 200)
            client.endOutput()
            #expect(try client.skip(5_000_000))
            for _ in 0..<3 { #expect(try client.response().text == "fixed") }
            #expect(try client.waitForEnd() == .closed)
        }
    }

    @Test(arguments: [65_535, 65_536, 65_537, 131_072, 131_073, 262_144])
    func `a request that fills reads is answered, its client's end and all`(_ size: Int) throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(proxying(upstream.url)) { gateway throws in
            for ends in [false, true] {
                let client = try gateway.connect()
                let head = RawClient.wire("POST /\nContent-Length: 1000000\n\n")
                let length = size - (head.utf8.count - 2)
                let request = RawClient.wire("POST /\nContent-Length: \(length)\n\n")
                try client.send(request + String(repeating: "x", count: length))
                if ends { client.endOutput() }
                #expect(try client.response().body.count == length)
            }
        }
    }

    @Test func `an urgent byte holds nothing up`() throws {
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.request() {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n01234")
                try connection.sendUrgent(0x21)
                try connection.send(String(repeating: "y", count: request.body.count - 5))
            }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST /\nContent-Length: 20\n\n0123456789")
            try client.sendUrgent(0x21)
            try client.send("abcdefghij")
            #expect(try client.response().text == "01234yyyyyyyyyyyyyyy")
            #expect(upstream.requests.map(\.text) == ["0123456789abcdefghij"])
        }
    }

    @Test func `an endpoint that does not listen costs the others no connections`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("loops: 1\n" + proxying("http://127.0.0.1:1", upstream.url)) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<20 { #expect(try client.answer("GET /").text == "echo") }
            #expect(upstream.connections == 1)
        }
    }
}
