import Glibc
import TestSupport
import Testing

/// Endpoints that register themselves over the admin API.
@Suite("30 Registration", .wholeProcess)
struct RegistrationTests {
    private static let path = "/v1/upstreams/service/endpoints"

    private func configuration(_ registration: String, endpoints: String = "", settings: String = "") -> String {
        """
        loops: 1
        admin: { address: "\(Loopback.listener)" }
        upstreams:
          service: { \(endpoints)registration: { \(registration) }\(settings) }
          closed: { endpoints: ["http://127.0.0.1:1"] }
        routes: [{ path: "/{rest*}", upstream: service }]
        """
    }

    private func upstream(_ text: String) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.respond("200 OK", text) }
        }
    }

    @Test func `two services register themselves and share the requests`() throws {
        let (first, second) = (try upstream("first"), try upstream("second"))
        try withGateway(configuration("networks: [127.0.0.0/8]", settings: ", balance: least_requests")) {
            gateway throws in
            #expect(try gateway.answer("GET /").status == 503)
            let came = try gateway.control("PUT \(Self.path)", "{\"url\":\"\(first.url)\",\"ttl\":\"20s\"}")
            #expect(came.status == 201)
            let granted = #"{"upstream":"service","url":"\#(first.url)","weight":1,"ttl":"20s","expires":"20"#
            #expect(came.text.hasPrefix(granted))
            #expect(try gateway.control("PUT \(Self.path)", "{\"url\":\"\(second.url)\"}").status == 201)
            #expect(try gateway.control("PUT \(Self.path)", "{\"url\":\"\(second.url)\"}").status == 200)
            let answers = try (0..<20).map { _ in try gateway.answer("GET /").text }
            #expect(answers.count { $0 == "first" } == 10)
            #expect(answers.count { $0 == "second" } == 10)
            try gateway.waitForLog("an endpoint has registered itself")
            let shown = try gateway.control("GET \(Self.path)").text
            let endpoint = #""state":"in","reason":null,"weight":1,"requests":0,"origin":"registered","expires":"20"#
            #expect(shown.hasPrefix(#"{"name":"service","breaker":null,"waiting":null,"endpoints":[{"name":"http"#))
            #expect(shown.contains(#""name":"\#(first.url)","#))
            #expect(shown.contains(endpoint))
            let all = try gateway.control("GET /v1/upstreams").text
            #expect(all.hasPrefix(#"{"upstreams":[{"name":"closed","#))
            #expect(all.contains(#""requests":null,"origin":"configured","expires":null}"#))
            let metrics = try gateway.answer("GET /metrics", listener: "admin").text
            #expect(metrics.contains("{upstream=\"service\",endpoint=\"\(second.url)\",state=\"in\"} 1\n"))
        }
    }

    @Test func `a weight is kept, and another one takes its place`() throws {
        let (first, second) = (try upstream("first"), try upstream("second"))
        try withGateway(configuration("networks: [127.0.0.1]", endpoints: "endpoints: [\"\(first.url)\"], ")) {
            gateway throws in
            for (weight, share) in [(3, 9), (1, 6)] {
                _ = try gateway.control("PUT \(Self.path)", "{\"url\":\"\(second.url)\",\"weight\":\(weight)}")
                let shown = "\"weight\":\(weight),\"requests\":null,\"origin\":\"registered\""
                #expect(try gateway.control("GET \(Self.path)").text.contains(shown))
                let answers = try (0..<12).map { _ in try gateway.answer("GET /").text }
                #expect(answers.count { $0 == "second" } == share, "\(answers)")
            }
        }
    }

    @Test func `one that does not come back in time is gone`() throws {
        let upstream = try upstream("here")
        try withGateway(configuration("networks: [127.0.0.0/8], ttl: 1s")) { gateway throws in
            #expect(try gateway.control("PUT \(Self.path)", "{\"url\":\"\(upstream.url)\"}").status == 201)
            #expect(try gateway.answer("GET /").text == "here")
            try gateway.waitForLog("an endpoint is gone: it has not registered itself again")
            try Deadline.wait(for: "the end") { try gateway.answer("GET /").status == 503 }
            #expect(try gateway.control("GET \(Self.path)").text.contains("\"endpoints\":[]"))
        }
    }

    @Test func `one that renews itself stays, and takes itself back`() throws {
        let upstream = try upstream("here")
        try withGateway(configuration("networks: [127.0.0.0/8], ttl: 4s")) { gateway throws in
            let end = Deadline(seconds: 6)
            var statuses: Set<Int> = []
            while !end.hasPassed {
                _ = try gateway.control("PUT \(Self.path)", "{\"url\":\"\(upstream.url)\"}")
                statuses.insert(try gateway.answer("GET /").status)
                usleep(100_000)
            }
            #expect(statuses == [200])
            let encoded = upstream.url.replacing(":", with: "%3A")
            #expect(try gateway.control("DELETE \(Self.path)?url=\(encoded)").status == 200)
            try gateway.waitForLog("an endpoint has taken itself back")
            #expect(try gateway.answer("GET /").status == 503)
            let again = try gateway.control("DELETE \(Self.path)", "{\"url\":\"\(upstream.url)\"}")
            #expect(again.status == 404)
            #expect(again.text.contains("'\(upstream.url)' is not registered with 'service'"))
        }
    }

    @Test func `a reload keeps those that its networks admit`() throws {
        let upstream = try upstream("here")
        let text = configuration("networks: [127.0.0.0/8]")
        try withGateway(text) { gateway throws in
            #expect(try gateway.control("PUT \(Self.path)", "{\"url\":\"\(upstream.url)\"}").status == 201)
            for changed in [
                text.replacing("routes: [", with: "routes: [{ path: /own, respond: {} }, "),
                text.replacing("service: {", with: "service: { keepalive: { connections: 7 },"),
                text.replacing("127.0.0.0/8]", with: "127.0.0.0/8], max: 1"),
            ] {
                #expect(try gateway.reload(changed))
                #expect(try gateway.answer("GET /").text == "here")
            }
            #expect(try gateway.reload(text.replacing("127.0.0.0/8", with: "127.0.0.2, 10.0.0.0/8")))
            try gateway.waitForLog("an endpoint is gone: 'registration' has no place for it any more")
            #expect(try gateway.answer("GET /").status == 503)
        }
    }

    /// `OWN` is the gateway's public port.
    private static let refusals: [(request: String, body: String, status: Int, says: String)] = [
        ("PUT \(path)", "", 400, "'url' is missing; expected {"),
        ("PUT \(path)", "{", 400, "the body is no JSON: "),
        ("PUT \(path)", "[1]", 400, "the body is no JSON object"),
        ("PUT \(path)", #"{"url":7}"#, 400, "'url' is missing"),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","wieght":2}"#, 400, "unknown key 'wieght'"),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","weight":"2"}"#, 400, "'weight' is no whole number"),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","weight":0}"#, 422, "'weight' is 0: it must be 1 to 1000"),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","ttl":30}"#, 400, "'ttl' is no text such as"),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","ttl":"30"}"#, 422, "'ttl': '30' "),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","ttl":"500ms"}"#, 422, "'ttl' is 500ms: at least 1s"),
        ("PUT \(path)", #"{"url":"http://10.0.0.7:80","ttl":"31s"}"#, 422, "'ttl' is 31s: at most 30s"),
        ("PUT \(path)", #"{"url":"10.0.0.7:80"}"#, 422, "it has no scheme; write 'http://10.0.0.7:80'"),
        ("PUT \(path)", #"{"url":"https://10.0.0.7"}"#, 422, "has the scheme 'https'"),
        ("PUT \(path)", #"{"url":"http://localhost:80"}"#, 422, "register 'http://ADDRESS:PORT', not a name"),
        ("PUT \(path)", #"{"url":"unix:/run/x.sock"}"#, 422, "register 'http://ADDRESS:PORT', not a name"),
        ("PUT \(path)", #"{"url":"http://192.0.2.1:80"}"#, 403, "is not in 'registration.networks': 0.0.0.0/1, "),
        ("PUT \(path)", #"{"url":"http://127.0.0.2:80"}"#, 403, "127.0.0.2 is a loopback address, which"),
        ("PUT \(path)", #"{"url":"http://[fe80::1]:80"}"#, 403, "fe80::1 is a link-local address"),
        ("PUT \(path)", #"{"url":"http://[::ffff:127.0.0.2]:80"}"#, 403, "127.0.0.2 is a loopback address"),
        ("PUT \(path)", #"{"url":"http://0.0.0.0:80"}"#, 403, "0.0.0.0 is an unspecified address"),
        ("PUT \(path)", #"{"url":"http://[ff02::1]:80"}"#, 403, "ff02::1 is a multicast address"),
        ("PUT \(path)", #"{"url":"http://HOST:OWN"}"#, 403, "is a listener of the gateway itself"),
        ("PUT \(path)", #"{"url":"http://HOST:ADMIN"}"#, 403, "is a listener of the gateway itself"),
        ("PUT \(path)", #"{"url":"http://10.0.0.1:3000"}"#, 409, "10.0.0.1:3000 is one of the 'endpoints' of"),
        ("PUT \(path)", #"{"url":"http://10.0.0.2:3000"}"#, 201, #""upstream":"service""#),
        ("PUT \(path)", #"{"url":"http://10.0.0.3:3000"}"#, 409, "there are 1 registered endpoints, which is"),
        ("DELETE \(path)", #"{"url":"http://10.0.0.3:3000"}"#, 404, "is not registered with 'service'"),
        ("DELETE \(path)", "", 400, "'url' is missing"),
        ("PUT /v1/upstreams/closed/endpoints", #"{"url":"http://10.0.0.7:80"}"#, 409, "cannot register themselves"),
        ("PUT /v1/upstreams/servcie/endpoints", #"{"url":"http://10.0.0.7:80"}"#, 404, "did you mean 'service'?"),
        ("GET /v1/upstreams/nobody/endpoints", "", 404, "there is no upstream 'nobody'"),
    ]

    @Test func `what may not register is told why`() throws {
        let registration = "networks: [0.0.0.0/1, \"::/0\", \"\(Loopback.address)\"], max: 1"
        let text = configuration(registration, endpoints: "endpoints: [\"http://10.0.0.1:3000\"], ")
        try withGateway(text) { gateway throws in
            let ports = [
                "HOST": Loopback.host, "OWN": "\(try gateway.port())", "ADMIN": "\(try gateway.port("admin"))",
            ]
            for (request, body, status, says) in Self.refusals {
                let body = ports.reduce(body) { $0.replacing($1.key, with: $1.value) }
                let answer = try gateway.control(request, body)
                #expect(answer.status == status, "\(request) \(body): \(answer.text)")
                #expect(answer.text.contains(says), "\(request) \(body): \(answer.text)")
            }
        }
    }

    @Test func `over TCP it wants the token`() throws {
        let upstream = try upstream("here")
        try withGateway(configuration("networks: [127.0.0.0/8]")) { gateway throws in
            let body = "{\"url\":\"\(upstream.url)\"}"
            let put = "PUT \(Self.path)\nContent-Length: \(body.utf8.count)\nHost: 127.0.0.1"
            #expect(try gateway.answer("\(put)\n\n\(body)", listener: "admin").status == 401)
            #expect(try gateway.answer("GET /v1/upstreams", listener: "admin").status == 401)
            let token = gateway.folder.read("state/token").dropLast()
            let answer = try gateway.answer("\(put)\nAuthorization: Bearer \(token)\n\n\(body)", listener: "admin")
            #expect(answer.status == 201)
            #expect(try gateway.answer("GET /").text == "here")
        }
    }

    @Test func `one that is killed under load costs no client an answer`() throws {
        let service = "routes: [{ path: \"/{rest*}\", respond: { body: here } }]"
        try withGateway(configuration("networks: [127.0.0.0/8, \"::1\"]")) { gateway throws in
            let services = try (0..<2).map { _ in try GatewayProcess(service) }
            for service in services {
                let answer = try gateway.control("PUT \(Self.path)", "{\"url\":\"http://\(try service.address())\"}")
                #expect(answer.status == 201)
            }
            let load = Load(try gateway.address(), asking: ["/"]) { _, response in response.text == "here" }
            try load.wait(for: 300)
            services[1].process.signal(SIGKILL)
            _ = try services[1].process.waitForExit()
            try load.wait(for: 300)
            #expect(load.stop().failures.prefix(5) == [])
            let shown = try gateway.control("GET \(Self.path)").text
            #expect(shown.contains("\"state\":\"ejected\",\"reason\":\""), "\(shown)")
            // What a person is told who asks.
            let explain = [GatewayProcess.binary, "explain", "GET", "/"]
            let explained = try ChildProcess.run(explain, in: gateway.folder.path)
            #expect(explained.output.contains("\nupstream service, now\n"))
            #expect(explained.output.contains("ejected: "), "\(explained.output)")
        }
    }

    @Test func `explain shows how the upstream is while a gateway runs, and is silent otherwise`() throws {
        let settings = ", concurrency: 5, breaker: {}"
        try withGateway(configuration("networks: [127.0.0.0/8]", settings: settings)) { gateway throws in
            func explain(_ more: String...) throws -> ChildProcess.Outcome {
                let words = [GatewayProcess.binary, "explain", "GET", "/x"] + more
                return try ChildProcess.run(words, in: gateway.folder.path)
            }
            #expect(try explain().output.contains("upstream service, now\n  no endpoint"))
            _ = try gateway.control("PUT \(Self.path)", #"{"url":"http://127.0.0.1:1"}"#)
            let text = try explain().output
            let words = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
            #expect(words.contains { $0.hasPrefix("http://127.0.0.1:1 in weight 1, registered until 20") }, "\(text)")
            #expect(words.suffix(2) == ["breaker closed", "waiting 0"], "\(text)")
            let live = try explain("--json").output
            #expect(live.contains(#""upstreams":[{"name":"service","breaker":"closed","waiting":0,"endpoints":[{"#))
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            let after = try explain()
            #expect(after.status == 0)
            #expect(after.errors == "")
            #expect(text.hasPrefix(after.output.dropLast()), "\(after.output)")
            let quiet = try explain("--json").output
            #expect(live.hasPrefix(quiet.dropLast(2)), "\(quiet)")
        }
    }
}

extension GatewayProcess {
    /// Asks the control socket.
    fileprivate func control(_ request: String, _ body: String = "") throws -> RawResponse {
        let client = try RawClient(.unix("\(folder.path)/state/control.sock"))
        let length = body.isEmpty ? "" : "\nContent-Length: \(body.utf8.count)\n\n\(body)"
        return try client.answer(request + length)
    }
}
