import TestSupport
import Testing

/// What is held so that slow clients keep no upstream waiting.
@Suite("30 Buffers", .wholeProcess)
struct BufferTests {
    @Test func `an upstream is not asked before the body of a slow client is here`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            let slow = try gateway.connect()
            try slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nsl")
            #expect(try gateway.answer("POST /\nContent-Length: 4\n\nfast").text == "fast")
            #expect(upstream.connections == 1)
            try slow.send("ow")
            #expect(try gateway.answer("POST /\nContent-Length: 4\n\nfast").text == "fast")
            #expect(upstream.requests.count == 2)
            try slow.send("er")
            #expect(try slow.response().text == "slower")
            #expect(upstream.connections == 1)
        }
    }

    @Test func `a chunked body that is here as a whole goes with its length`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("loops: 1\n\(proxying(upstream.url))") { gateway throws in
            let chunked = "POST /\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            #expect(try gateway.answer(chunked).text == "abcde")
            let request = try #require(upstream.requests.first)
            #expect(request["content-length"] == "5")
            #expect(request["transfer-encoding"] == nil)
        }
    }

    @Test func `a response goes into the buffer, and its connection to the next request`() throws {
        let size = 200_000
        let text = String(repeating: "x", count: size)
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.respond("200 OK", text) }
        }
        try withGateway("admin: { address: \"\(Loopback.listener)\" }\nloops: 1\n" + proxying(upstream.url)) {
            gateway throws in
            let slow = try gateway.connect("public", receiveBuffer: 2048)
            try slow.request("GET /")
            try Deadline.wait(for: "the end of the upstream's part") {
                try gateway.answer("GET /metrics", listener: "admin").text
                    .contains("penstock_upstream_connections{upstream=\"service\",state=\"idle\"} 1")
            }
            #expect(try gateway.answer("GET /").body.count == size)
            #expect(upstream.connections == 1)
            #expect(try slow.response().body.count == size)
        }
    }

    @Test(arguments: [(limit: "1MiB", isHeldWhole: false), ("64MiB", true)])
    func `what is held is bounded, and streams beyond that`(_ row: (limit: String, isHeldWhole: Bool)) throws {
        let upstream = try ScriptedUpstream.echo()
        let settings = "limits: { buffered: \(row.limit) }\nloops: 1\n"
        try withGateway(settings + proxying(upstream.url, settings: "buffer: { request: 1MiB }")) { gateway throws in
            let text = String(repeating: "x", count: 900_000)
            let slow = try (0..<4).map { _ in
                let client = try gateway.connect()
                try client.request("POST /\nContent-Length: 900001\n\n\(text)")
                return client
            }
            if row.isHeldWhole {
                #expect(try gateway.answer("POST /\nContent-Length: 4\n\nfast").text == "fast")
                #expect(upstream.connections == 1)
            } else {
                try Deadline.wait(for: "bodies that stream") { upstream.connections >= 2 }
            }
            for client in slow {
                try client.send("y")
                #expect(try client.response().body.count == 900_001)
            }
        }
    }
}
