import TestSupport
import Testing

/// Which endpoint gets a request.
@Suite("30 Balancing", .wholeProcess)
struct BalancingTests {
    /// Upstreams that answer their number.
    private func upstreams(_ count: Int) throws -> [ScriptedUpstream] {
        try (0..<count).map { number in
            try ScriptedUpstream { connection in
                while try connection.request() != nil { try connection.respond("200 OK", "\(number)") }
            }
        }
    }

    private func configuration(
        _ upstreams: [ScriptedUpstream],
        weights: [Int] = [],
        _ settings: String,
        loops: Int = 1
    ) -> String {
        let endpoints = upstreams.enumerated().map { index, upstream in
            weights.isEmpty ? "\"\(upstream.url)\"" : "{ url: \"\(upstream.url)\", weight: \(weights[index]) }"
        }
        return """
            loops: \(loops)
            upstreams:
              service: { endpoints: [\(endpoints.joined(separator: ", "))], \(settings) }
            routes:
              - { path: "/{rest*}", upstream: service }
            """
    }

    @Test(arguments: ["round_robin", "least_requests"])
    func `requests go to the endpoints in turn`(_ balance: String) throws {
        let upstreams = try upstreams(3)
        try withGateway(configuration(upstreams, "balance: \(balance)")) { gateway throws in
            for _ in 0..<30 { #expect(try gateway.answer("GET /").status == 200) }
        }
        #expect(upstreams.map(\.requests.count) == [10, 10, 10])
    }

    @Test func `an endpoint has as many requests as its weight says`() throws {
        let upstreams = try upstreams(3)
        try withGateway(configuration(upstreams, weights: [1, 2, 5], "slow_start: 1s")) { gateway throws in
            var answers = ""
            for _ in 0..<16 { answers += try gateway.answer("GET /").text }
            // Smooth: the heavy one is not asked five times at once.
            #expect(!answers.contains("22222"))
        }
        #expect(upstreams.map(\.requests.count) == [2, 4, 10])
    }

    @Test(arguments: ["least_requests", "random_two"])
    func `a busy endpoint gets fewer requests`(_ balance: String) throws {
        let gate = Gate()
        let busy = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            gate.pass()
            try connection.respond("200 OK", "busy")
        }
        let upstreams = try [busy] + upstreams(2)
        let settings = "balance: \(balance), keepalive: { connections: 0 }"
        try withGateway(configuration(upstreams, settings, loops: 2)) { gateway throws in
            var waiting: [RawClient] = []
            for number in 1...30 {
                let before = busy.requests.count
                let client = try gateway.connect()
                try client.request("GET /")
                try Deadline.wait(for: "request \(number)") { upstreams.map(\.requests.count).reduce(0, +) == number }
                if busy.requests.count > before {
                    waiting.append(client)
                } else {
                    #expect(try client.response().status == 200)
                }
            }
            // In turn it would have had ten.
            #expect((1...5).contains(busy.requests.count))
            gate.open()
            for client in waiting { #expect(try client.response().status == 200) }
        }
    }

    @Test(arguments: [
        ("{ hash: { header: x-user } }", "GET /\nX-User: "),
        ("{ hash: { cookie: user } }", "GET /\nCookie: a=b; user="),
        ("{ hash: { query: user } }", "GET /?a=b&user="),
    ])
    func `the same key has the same endpoint`(_ balance: String, _ request: String) throws {
        let upstreams = try upstreams(3)
        try withGateway(configuration(upstreams, "balance: \(balance)", loops: 2)) { gateway throws in
            var places: Set<String> = []
            for user in 0..<20 {
                let text = request.contains("?") ? "\(request)\(user)" : "\(request)u\(user)"
                let answers = try Set((0..<3).map { _ in try gateway.answer(text).text })
                #expect(answers.count == 1)
                places.formUnion(answers)
            }
            #expect(places == ["0", "1", "2"])
            // Without a key: in turn.
            let turns = try Set((0..<12).map { _ in try gateway.answer("GET /").text })
            #expect(turns.count == 3)
        }
    }

    @Test func `one client has one endpoint by its address`() throws {
        let upstreams = try upstreams(3)
        try withGateway(configuration(upstreams, "balance: { hash: client_address }")) { gateway throws in
            let places = try Set((0..<9).map { _ in try gateway.answer("GET /").text })
            #expect(places.count == 1)
        }
    }

    @Test func `a sticky cookie brings a client back, as long as its endpoint is there`() throws {
        let gone = [Gate(), Gate(), Gate()]
        let upstreams = try gone.enumerated().map { number, gate in
            try ScriptedUpstream { connection in
                while try connection.request() != nil, !gate.isOpen { try connection.respond("200 OK", "\(number)") }
            }
        }
        let settings = "sticky: { cookie: at, age: 1h }"
        try withGateway(configuration(upstreams, settings)) { gateway throws in
            let first = try gateway.answer("GET /")
            let cookie = try #require(first["set-cookie"])
            #expect(cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600"))
            let pair = try #require(cookie.split(separator: ";").first)
            #expect(pair.hasPrefix("at=") && pair.utf8.count == 19)
            for _ in 0..<6 {
                let again = try gateway.answer("GET /\nCookie: \(pair)")
                #expect(again.text == first.text)
                #expect(again["set-cookie"] == nil)
            }
            gone[try #require(Int(first.text))].open()
            let moved = try gateway.answer("GET /\nCookie: \(pair)")
            #expect(moved.status == 200 && moved.text != first.text)
            #expect(moved["set-cookie"] != nil)
        }
    }

    @Test func `an endpoint may be a unix socket`() throws {
        let folder = try TemporaryFolder()
        let server = """
            import http.server, socketserver, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def address_string(self): return "unix"
                def log_message(self, *a): pass
                def do_GET(self):
                    body = self.headers["host"].encode()
                    self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
                    self.wfile.write(body)
            class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
                daemon_threads = True
            server = Server(sys.argv[1], Handler); print("ready", flush=True); server.serve_forever()
            """
        try folder.write("server.py", server)
        let process = try ChildProcess(
            [GatewayProcess.python, "server.py", "s.sock"],
            in: folder.path
        )
        defer { process.end() }
        try Deadline.wait(for: "the server") { process.output.contains("ready") }
        try withGateway(proxying("unix:\(folder.path)/s.sock")) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<3 { #expect(try client.answer("GET /\nHost: shop.example").text == "shop.example") }
        }
    }
}
