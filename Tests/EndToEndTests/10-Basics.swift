import TestSupport
import Testing

/// What every client relies on, over every kind of listener.
@Suite("10 Basics of HTTP/1.1", .wholeProcess)
struct BasicsTests {
    @Test(arguments: Listening.allCases, Conversation.all)
    func `a conversation goes as RFC 9112 has it`(_ listening: Listening, _ conversation: Conversation) throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(listening, upstream)) { gateway throws in
            try conversation.run(try gateway.connect())
        }
    }

    @Test func `a wildcard listener takes both families`() throws {
        try withGateway("listeners: [{ name: public, address: \":0\" }]\n\(Self.fixed)") { gateway throws in
            let port = try gateway.port()
            for address in [TestAddress.ipv4("127.0.0.1", port), .ipv6("::1", port)] {
                #expect(try RawClient(address).answer("GET /fixed").text == "fixed\n")
            }
        }
    }

    @Test func `a listener by name is found`() throws {
        try withGateway("listeners: [{ name: public, address: \"localhost:0\" }]\n\(Self.fixed)") { gateway throws in
            #expect(try gateway.answer("GET /fixed").status == 200)
        }
    }

    @Test func `many listeners serve the same routes`() throws {
        let yaml = """
            listeners:
              - { name: one, address: "127.0.0.1:0" }
              - { name: two, address: "[::1]:0" }
              - { name: three, address: "unix:gateway.sock" }
            """
        try withGateway("\(yaml)\n\(Self.fixed)") { gateway throws in
            for name in ["one", "two", "three"] {
                #expect(try gateway.answer("GET /fixed", listener: name).text == "fixed\n", "\(name)")
            }
        }
    }

    private static let fixed = """
        routes:
          - { path: /fixed, respond: { status: 200, body: "fixed\\n" } }
        """

    private static func yaml(_ listening: Listening, _ upstream: ScriptedUpstream) -> String {
        """
        listeners: [{ name: public, address: "\(listening.address)" }]
        upstreams:
          echo: { endpoints: ["\(upstream.url)"] }
        routes:
          - { path: /fixed, respond: { status: 200, body: "fixed\\n" } }
          - { path: "/echo/{rest*}", upstream: echo }
          - { path: /moved, redirect: { to: /fixed } }
        """
    }
}

/// A kind of listener.
enum Listening: String, CaseIterable, Sendable {
    case ipv4, ipv6, wildcard, unix

    var address: String {
        switch self {
        case .ipv4: "127.0.0.1:0"
        case .ipv6: "[::1]:0"
        case .wildcard: ":0"
        case .unix: "unix:public.sock"
        }
    }
}

/// What a client says on one connection, and what it expects.
struct Conversation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let run: @Sendable (RawClient) throws -> Void

    init(_ name: String, _ run: @escaping @Sendable (RawClient) throws -> Void) {
        testDescription = name
        self.run = run
    }

    static let all: [Conversation] = [
        .init("a connection is kept") { client throws in
            for _ in 0..<3 {
                let response = try client.answer("GET /fixed")
                #expect(response.status == 200)
                #expect(response.text == "fixed\n")
                #expect(response["connection"] == nil)
            }
            #expect(client.staysOpen(seconds: 0.05))
        },
        .init("every answer has Date, Server and a request id of its own") { client throws in
            let first = try client.answer("GET /fixed")
            let second = try client.answer("GET /fixed")
            #expect(first["date"]?.utf8.count == 29)
            #expect(first["date"]?.hasSuffix(" GMT") == true)
            #expect(first["server"] == "penstock")
            #expect(first["x-request-id"]?.utf8.count == 36)
            #expect(first["x-request-id"] != second["x-request-id"])
        },
        .init("pipelined requests are answered in order") { client throws in
            let paths = ["/fixed", "/echo/1", "/nowhere", "/fixed", "/moved", "/echo/2"]
            try client.send(paths.map { RawClient.wire("GET \($0)") }.joined())
            let statuses = try paths.map { _ in try client.response().status }
            #expect(statuses == [200, 200, 404, 200, 302, 200])
        },
        .init("a pipelined body is told from the request behind it") { client throws in
            try client.send(
                RawClient.wire("POST /echo/\nContent-Length: 5\n\nfirst")
                    + RawClient.wire("POST /echo/\nTransfer-Encoding: chunked\n\n6\r\nsecond\r\n0\r\n\r\n")
                    + RawClient.wire("GET /fixed")
            )
            #expect(try client.response().text == "first")
            #expect(try client.response().text == "second")
            #expect(try client.response().text == "fixed\n")
        },
        .init("HTTP/1.0 closes") { client throws in
            let response = try client.answer("GET /fixed HTTP/1.0")
            #expect(response.text == "fixed\n")
            #expect(response.closes)
            #expect(try client.waitForEnd() == .closed)
        },
        .init("HTTP/1.0 with keep-alive is kept, and told so") { client throws in
            for _ in 0..<2 {
                let response = try client.answer("GET /fixed HTTP/1.0\nConnection: keep-alive")
                #expect(response["connection"] == "keep-alive")
                #expect(response["content-length"] == "6")
            }
        },
        .init("HTTP/1.0 gets a body of unknown length without chunks") { client throws in
            let response = try client.answer("POST /echo/ HTTP/1.0\nContent-Length: 3\n\nabc")
            #expect(response["transfer-encoding"] == nil)
            #expect(response.text == "abc")
        },
        .init("Connection: close is obeyed") { client throws in
            let response = try client.answer("GET /fixed\nConnection: close")
            #expect(response.closes)
            #expect(try client.waitForEnd() == .closed)
        },
        .init("chunks and trailers go both ways") { client throws in
            let response = try client.answer(
                "POST /echo/\nTransfer-Encoding: chunked\nTE: trailers\n\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nx-sum: 42\r\n\r\n"
            )
            #expect(response["transfer-encoding"] == "chunked")
            #expect(response.text == "hello!")
            #expect(response.trailers.map(\.name) == ["x-sum"])
            #expect(response.trailers.map(\.value) == ["42"])
        },
        .init("trailers of one request are not those of the next") { client throws in
            let request = "POST /echo/\nTransfer-Encoding: chunked\nTE: trailers\n\n1\r\na\r\n0\r\n"
            _ = try client.answer(request + "x-one: 1\r\n\r\n")
            #expect(try client.answer(request + "x-two: 2\r\n\r\n").trailers.map(\.name) == ["x-two"])
        },
        .init("a client that does not say that it takes trailers gets none") { client throws in
            let fields = ["", "TE: gzip\n", "TE: gzip;q=0.5, Trailers\nConnection: TE\n"]
            let counts = try fields.map { field in
                let request = "POST /echo/\nTransfer-Encoding: chunked\n\(field)\n1\r\na\r\n0\r\nx-one: 1\r\n\r\n"
                return try client.answer(request).trailers.count
            }
            #expect(counts == [0, 0, 1])
        },
        .init("Expect: 100-continue is granted") { client throws in
            try client.request("POST /echo/\nContent-Length: 4\nExpect: 100-continue\n\n")
            #expect(try client.head().status == 100)
            try client.send("body")
            let response = try client.response()
            #expect(response.text == "body")
            #expect(!response.closes)
            #expect(try client.answer("GET /fixed").status == 200)
        },
        .init("Expect: 100-continue is refused by a final status") { client throws in
            try client.request("POST /nowhere\nContent-Length: 4\nExpect: 100-continue\n\n")
            let response = try client.response()
            #expect(response.status == 404)
            #expect(response.interim == [])
            #expect(response.closes)
            #expect(try client.waitForEnd() == .closed)
        },
        .init("a body that comes without waiting for 100 needs none") { client throws in
            let response = try client.answer("POST /echo/\nContent-Length: 4\nExpect: 100-continue\n\nbody")
            #expect(response.text == "body")
        },
        .init("HEAD says what GET would, without a body") { client throws in
            let get = try client.answer("GET /fixed")
            let head = try client.answer("HEAD /fixed")
            #expect(head.status == get.status)
            #expect(head["content-length"] == "6")
            #expect(head["content-type"] == get["content-type"])
            #expect(try client.answer("HEAD /echo/").status == 200)
            #expect(try client.answer("GET /fixed").text == "fixed\n")
        },
        .init("OPTIONS * says what the gateway serves") { client throws in
            let response = try client.answer("OPTIONS *")
            #expect(response.status == 204)
            #expect(response["allow"]?.contains("GET") == true)
            #expect(response["allow"]?.contains("TRACE") == false)
            #expect(try client.answer("GET /fixed").status == 200)
        },
        .init("CONNECT and TRACE are 405") { client throws in
            #expect(try client.answer("TRACE /fixed").status == 405)
            #expect(try client.answer("CONNECT example.com:443\nHost: example.com:443").status == 405)
        },
        .init("an absolute target is served") { client throws in
            #expect(try client.answer("GET http://example.com/fixed").text == "fixed\n")
            #expect(try client.answer("GET http://other.example/fixed").status == 400)
        },
        .init("Upgrade: h2c is ignored") { client throws in
            let response = try client.answer(
                "GET /echo/\nConnection: upgrade, http2-settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__"
            )
            #expect(response.status == 200)
        },
        .init("a client that has ended its side is still answered") { client throws in
            try client.send(RawClient.wire("GET /echo/") + RawClient.wire("GET /fixed"))
            client.endOutput()
            #expect(try client.response().text == "echo")
            #expect(try client.response().text == "fixed\n")
            #expect(try client.waitForEnd() == .closed)
        },
        .init("FIN inside a body is 400") { client throws in
            try client.request("POST /echo/\nContent-Length: 10\n\nhalf")
            client.endOutput()
            #expect(try client.response().status == 400)
            #expect(try client.waitForEnd() == .closed)
        },
        .init("FIN inside a chunked body is 400") { client throws in
            try client.request("POST /echo/\nTransfer-Encoding: chunked\n\n5\r\nhel")
            client.endOutput()
            #expect(try client.response().status == 400)
        },
        .init("FIN inside a head is 400") { client throws in
            try client.send("GET /fixed HTTP/1.1\r\nHost: exa")
            client.endOutput()
            #expect(try client.response().status == 400)
        },
        .init("a request may come byte by byte") { client throws in
            let request = "POST /echo/\nTransfer-Encoding: chunked\nTE: trailers\n\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n"
            for byte in RawClient.wire(request).utf8 { try client.send([byte]) }
            let response = try client.response()
            #expect(response.text == "abc")
            #expect(response.trailers.map(\.value) == ["1"])
        },
    ]
}
