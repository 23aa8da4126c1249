import TestSupport
import Testing

/// How requests and responses pass through: connections, streams, interim responses, several endpoints.
@Suite("30 Relaying", .wholeProcess)
struct RelayingTests {
    @Test func `connections to an upstream are kept`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            for number in 0..<20 {
                #expect(try gateway.answer("POST /\nContent-Length: 2\n\n\(number + 10)").text == "\(number + 10)")
            }
            #expect(upstream.connections == 1)
        }
    }

    @Test func `an upstream that closes after each response is asked anew`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.respond("200 OK", fields: "Connection: close\r\n", "once")
        }
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<5 { #expect(try client.answer("GET /").text == "once") }
            #expect(upstream.connections == 5)
        }
    }

    @Test func `a kept connection that the upstream has closed does not fail a request`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.respond("200 OK", "one")
            // It promised to stay, and goes when the next request is on its way.
            if connection.number % 2 == 1 { _ = try connection.head() } else { _ = try connection.request() }
        }
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<6 { #expect(try client.answer("GET /").text == "one") }
        }
    }

    @Test func `a request with effects is not sent twice`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.respond("200 OK", "one")
            _ = try connection.request()
        }
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            let client = try gateway.connect()
            #expect(try client.answer("POST /\nContent-Length: 1\n\n1").status == 200)
            #expect(try client.answer("POST /\nContent-Length: 1\n\n2").status == 502)
            #expect(upstream.requests.map(\.text) == ["1", "2"])
        }
    }

    @Test func `an answer streams as it comes`() throws {
        let upstream = try ScriptedUpstream { connection in
            let request = try connection.request()
            if request?.line.hasPrefix("GET /more") == true { return try connection.respond("200 OK", "yes") }
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n"
            )
            // The rest comes only when the client has seen the first event.
            try Deadline.wait(for: "the client to ask for more") {
                connection.upstream.requests.contains { $0.line.hasPrefix("GET /more") }
            }
            try connection.send("8\r\ndata: 2\n\r\n0\r\n\r\n")
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /")
            #expect(try client.head().status == 200)
            #expect(try client.chunk() == Array("data: 1\n".utf8))
            #expect(try gateway.answer("GET /more").text == "yes")
            #expect(try client.chunk() == Array("data: 2\n".utf8))
            #expect(try client.chunk() == [])
        }
    }

    @Test func `both directions flow at once where nothing is buffered`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.head() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while let chunk = try connection.chunk(), !chunk.isEmpty {
                try connection.send(
                    "\(String(chunk.count, radix: 16))\r\n\(String(decoding: chunk, as: UTF8.self))\r\n"
                )
            }
            try connection.send("0\r\n\r\n")
        }
        try withGateway(proxying(upstream.url, settings: "buffer: { request: 0 }")) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST /\nTransfer-Encoding: chunked\n\n")
            #expect(try client.head().status == 200)
            for word in ["one", "two", "six"] {
                try client.send("3\r\n\(word)\r\n")
                #expect(try client.chunk() == Array(word.utf8))
            }
            try client.send("0\r\n\r\n")
            #expect(try client.chunk() == [])
        }
    }

    @Test func `interim responses are passed on`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try connection.send(
                    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                )
                try connection.respond("200 OK", "final")
            }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            let response = try client.answer("GET /")
            #expect(response.interim == [103, 102])
            #expect(response.interimFields[0].map(\.value) == ["</a.css>"])
            #expect(response.text == "final")
            #expect(try gateway.answer("GET / HTTP/1.0").interim == [])
        }
    }

    @Test func `a response without a length is relayed until the upstream closes`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            let response = try client.answer("GET /")
            #expect(response["transfer-encoding"] == "chunked")
            #expect(response.text == "until the end")
            #expect(try client.answer("GET /").text == "until the end")
            let old = try gateway.answer("GET / HTTP/1.0")
            #expect(old.text == "until the end")
            #expect(old.end == .closed)
        }
    }

    @Test(arguments: ["204 No Content", "304 Not Modified"])
    func `statuses without a body have none`(_ status: String) throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.send("HTTP/1.1 \(status)\r\nETag: \"x\"\r\n\r\n") }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<3 {
                let response = try client.answer("GET /")
                #expect("\(response.status)" == status.prefix(3))
                #expect(response["transfer-encoding"] == nil)
                #expect(response["etag"] == "\"x\"")
            }
        }
    }

    @Test func `an answer to HEAD keeps its length and has no body`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            }
        }
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<3 { #expect(try client.answer("HEAD /")["content-length"] == "1000") }
            #expect(upstream.connections == 1)
        }
    }

    @Test func `endpoints take turns`() throws {
        let first = try ScriptedUpstream(answering: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        let second = try ScriptedUpstream(ipv6: true) { connection in
            while try connection.request() != nil { try connection.respond("200 OK", "2") }
        }
        try withGateway("loops: 1\n\(proxying(first.url, second.url))") { gateway throws in
            let client = try gateway.connect()
            let answers = try (0..<6).map { _ in try client.answer("GET /").text }
            #expect(answers == ["1", "2", "1", "2", "1", "2"])
        }
    }

    @Test func `an endpoint by name is found`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(proxying("http://localhost:\(upstream.port)")) { gateway throws in
            // localhost may be ::1 first, where nobody listens.
            for _ in 0..<4 { #expect(try gateway.answer("GET /").text == "echo") }
        }
    }

    @Test func `a client that gives up is not worked for any longer`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            _ = try connection.waitForEnd()
            throw SupportError("let go")
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            client.reset()
            try Deadline.wait(for: "the upstream to be let go") { !upstream.failures.isEmpty }
        }
    }

    @Test(arguments: [("timeout=0", false), ("timeout=1", false), ("timeout=60", true), ("max=1", true)])
    func `a connection that the upstream is about to close is not used again`(_ field: String, _ isKept: Bool) throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try connection.respond(fields: "Keep-Alive: \(field)\r\n", "ok")
            }
        }
        try withGateway("loops: 1\n" + proxying(upstream.url)) { gateway throws in
            for _ in 0..<3 { #expect(try gateway.answer("GET /").text == "ok") }
            #expect(upstream.connections == (isKept ? 1 : 3))
        }
    }

    @Test func `an idle connection is closed a second before the upstream would`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try connection.respond(fields: "Keep-Alive: timeout=2, max=100\r\n", "ok")
            }
        }
        try withGateway(proxying(upstream.url, settings: "keepalive: { idle: 1h }")) { gateway throws in
            #expect(try gateway.answer("GET /").text == "ok")
            try Deadline.wait(for: "the end of the connection") { upstream.ended == 1 }
        }
    }
}
