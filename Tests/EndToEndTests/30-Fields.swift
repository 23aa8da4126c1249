import TestSupport
import Testing

/// What an upstream sees of a request, and a client of a response (trust.md, Fields).
@Suite("30 Fields through the proxy", .wholeProcess)
struct ProxiedFieldTests {
    private static func yaml(_ url: String, _ trusted: String) -> String {
        """
        listeners: [{ name: public, address: "\(Loopback.listener)", trusted_proxies: [\(trusted)] }]
        \(proxying(url))
        """
    }

    @Test func `an upstream sees exactly this of a plain request`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url, "")) { gateway throws in
            let response = try gateway.answer(
                "GET /a?b=c\nHost: shop.example.com:8080\nUser-Agent: test\nAccept: */*\nX-Own:  two  words "
            )
            let seen = try #require(upstream.requests.first)
            #expect(seen.line == "GET /a?b=c HTTP/1.1")
            let fields = seen.fields.map { "\($0.name): \($0.value)" }
            #expect(
                fields == [
                    "host: shop.example.com:8080", "user-agent: test", "accept: */*", "x-own: two  words",
                    "x-forwarded-for: \(Loopback.address)", "x-forwarded-proto: http",
                    "x-forwarded-host: shop.example.com:8080", "x-request-id: \(response["x-request-id"] ?? "")",
                ]
            )
        }
    }

    /// Fields that a stranger sends, one a line, and none of which may arrive.
    private static let forged = """
        Forwarded: for=10.0.0.1
        X-Forwarded-For: 10.0.0.1
        X-Forwarded-Proto: https
        X-Forwarded-Host: evil.example
        X-Forwarded-Port: 1
        X-Forwarded-Prefix: /evil
        X-Real-IP: 10.0.0.1
        X-Original-URL: /admin
        X-Rewrite-URL: /admin
        X-Penstock-Secret: 1
        X_Forwarded_For: 10.0.0.1
        X-Request-Id: mine
        """

    @Test func `what a stranger says about himself is not passed on`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url, "")) { gateway throws in
            let response = try gateway.answer("GET /\n\(Self.forged)")
            let seen = try #require(upstream.requests.first)
            #expect(seen["x-forwarded-for"] == Loopback.address)
            #expect(seen["x-forwarded-proto"] == "http")
            #expect(seen["x-forwarded-host"] == "example.com")
            #expect(seen["x-request-id"] == response["x-request-id"])
            #expect(seen["x-request-id"] != "mine")
            #expect(
                Set(seen.fields.map(\.name)) == [
                    "host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id",
                ]
            )
        }
    }

    @Test func `a trusted proxy may speak for its client`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml =
            "access_log: { to: stdout, format: json }\n"
            + Self.yaml(upstream.url, "\"\(Loopback.address)\", \"10.0.0.0/8\"")
        try withGateway(yaml) { gateway throws in
            let request = """
                GET /
                X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.2
                X-Forwarded-Proto: https
                X-Forwarded-Host: shop.example
                X-Request-Id: abc-123_x.y
                X-Original-URL: /admin
                X-Rewrite-URL: /admin
                X-Penstock-Secret: 1
                X_Forwarded_For: 1.1.1.1
                """
            let response = try gateway.answer(request)
            let seen = try #require(upstream.requests.first)
            #expect(seen["x-forwarded-for"] == "6.6.6.6, 192.0.2.7, 10.0.0.2, \(Loopback.address)")
            #expect(seen["x-forwarded-proto"] == "https")
            #expect(seen["x-forwarded-host"] == "shop.example")
            #expect(seen["x-request-id"] == "abc-123_x.y")
            #expect(response["x-request-id"] == "abc-123_x.y")
            for name in ["x-original-url", "x-rewrite-url", "x-penstock-secret", "x_forwarded_for"] {
                #expect(seen[name] == nil, "\(name)")
            }
            #expect(try gateway.waitForAccessLog(1)[0].contains("\"client\":\"192.0.2.7\""))
            // Not an id that could break a log or a field.
            for id in ["a b", String(repeating: "x", count: 129), "\"quoted\"", "a,b"] {
                #expect(try gateway.answer("GET /\nX-Request-Id: \(id)")["x-request-id"]?.utf8.count == 36)
            }
        }
    }

    @Test func `a route may name another host to its upstream`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - path: "/{rest*}"
                upstream: service
                headers: { request: { set: { Host: "inside-{rest}.example" } } }
            """
        try withGateway(yaml) { gateway throws in
            for target in ["/one", "http://shop.example.com/one"] {
                #expect(try gateway.answer("GET \(target)\nHost: shop.example.com").status == 200)
                let seen = try #require(upstream.requests.last)
                #expect(seen["host"] == "inside-one.example")
                #expect(seen["x-forwarded-host"] == "shop.example.com")
            }
        }
    }

    /// What `settings` of an upstream make of a request, field by field: those that say where it comes from.
    private func origin(_ settings: String, trusted: String = "", _ request: String) throws -> [String] {
        let upstream = try ScriptedUpstream.echo()
        let yaml =
            "listeners: [{ name: public, address: \"\(Loopback.listener)\", trusted_proxies: [\(trusted)] }]\n"
            + proxying(upstream.url, settings: settings)
        return try withGateway(yaml) { gateway throws in
            #expect(try gateway.answer(request).status == 200)
            let names: Set = ["host", "via", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
            let seen = try #require(upstream.requests.first).fields.filter { names.contains($0.name) }
            return seen.map { "\($0.name): \($0.value.replacing(":\(upstream.port)", with: ":PORT"))" }
        }
    }

    /// `ME` is the test's own address, as `Forwarded` writes it.
    @Test(arguments: [
        ("x_forwarded: false", "GET /", ["host: example.com"]),
        (
            "x_forwarded: false, forwarded: true", "GET /\nForwarded: for=10.0.0.1\nX-Forwarded-For: 10.0.0.1",
            ["host: example.com", "forwarded: for=ME;host=example.com;proto=http"]
        ),
        (
            "x_forwarded: false, forwarded: true", "GET /\nHost: example.com:8080",
            ["host: example.com:8080", "forwarded: for=ME;host=\"example.com:8080\";proto=http"]
        ),
        (
            "x_forwarded: false, via: requests", "GET /\nVia: 1.0 fred",
            ["host: example.com", "via: 1.0 fred", "via: 1.1 penstock"]
        ),
    ])
    func `an upstream says what it wants to be told`(_ settings: String, _ request: String, _ expected: [String]) throws
    {
        let me = Loopback.address.contains(":") ? "\"[\(Loopback.address)]\"" : Loopback.address
        let seen = try origin("forwarding: { \(settings) }", request)
        #expect(seen == expected.map { $0.replacing("ME", with: me) })
    }

    @Test(arguments: [
        ("Forwarded: for=\"_a\";proto=https", ["forwarded: for=\"_a\";proto=https", "forwarded: for=ME;"]),
        (
            "X-Forwarded-For: 192.0.2.7, 2001:db8::1,[::2]:80 , a\"b\nX-Forwarded-For: 10.0.0.2:80\nX-Forwarded-Proto: https",
            [
                "forwarded: for=192.0.2.7;proto=https, for=\"[2001:db8::1]\", for=\"[::2]:80\", for=\"a\\\"b\","
                    + " for=\"10.0.0.2:80\", for=ME;"
            ]
        ),
        (
            "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Host: shop.example:443",
            ["forwarded: for=192.0.2.7;host=\"shop.example:443\", for=ME;"]
        ),
    ])
    func `what a trusted proxy says goes on in the field that is sent`(_ fields: String, _ expected: [String]) throws {
        let me = Loopback.address.contains(":") ? "\"[\(Loopback.address)]\"" : Loopback.address
        let seen = try origin(
            "forwarding: { forwarded: true }",
            trusted: "\"\(Loopback.address)\"",
            "GET /\n\(fields)"
        )
        let rest = "host=example.com;proto=http"
        #expect(
            seen.filter { $0.hasPrefix("forwarded:") }
                == expected.map { $0.replacing("ME;", with: me + ";\(rest)") }
        )
    }

    @Test(arguments: [
        ("keep", "example.com"), ("endpoint", "127.0.0.1:PORT"), ("Shop.Internal:80", "shop.internal:80"),
        ("\"[::2]\"", "[::2]"),
    ])
    func `the Host field says what the upstream wants`(_ host: String, _ expected: String) throws {
        #expect(try origin("host: \(host), forwarding: { x_forwarded: false }", "GET /") == ["host: \(expected)"])
    }

    @Test func `a route that sets Host wins over its upstream`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = proxying(
            upstream.url,
            settings: "host: endpoint",
            route: "headers: { request: { set: { Host: route.example } } }"
        )
        try withGateway(yaml) { gateway throws in
            #expect(try gateway.answer("GET /").status == 200)
            #expect(upstream.requests.first?["host"] == "route.example")
        }
    }

    @Test(arguments: [("none", []), ("requests", []), ("both", ["1.1 nearer", "1.0 penstock"])])
    func `a response says that it came through where that is wanted`(_ via: String, _ expected: [String]) throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request()?.line.hasPrefix("GET /ok ") == true else { return }
            try connection.send("HTTP/1.0 200 OK\r\nVia: 1.1 nearer\r\nContent-Length: 2\r\n\r\nok")
        }
        try withGateway(proxying(upstream.url, settings: "forwarding: { via: \(via) }")) { gateway throws in
            let response = try gateway.answer("GET /ok")
            let values = response.fields.filter { $0.name == "via" }.map(\.value)
            #expect(values == (expected.isEmpty ? ["1.1 nearer"] : expected))
            let own = try gateway.answer("GET /")
            #expect(own.status == 502)
            #expect(own["via"] == nil)
        }
    }

    @Test func `fields for one hop stay on it`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                let fields = """
                    Connection: x-private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n\
                    Upgrade: h2\r\nTE: x\r\nTrailer: x\r\nX-Request-Id: theirs\r\nX-Penstock-Route: x\r\nSet-Cookie: a=1\r\n\
                    Set-Cookie: b=2\r\n
                    """
                try connection.respond("200 OK", fields: fields, "ok")
            }
        }
        try withGateway(Self.yaml(upstream.url, "")) { gateway throws in
            let request = """
                GET /
                Connection: x-private, keep-alive, authorization, host
                X-Private: 1
                Keep-Alive: 5
                Proxy-Connection: keep-alive
                TE: trailers
                Upgrade: websocket
                HTTP2-Settings: x
                Authorization: Bearer x
                Cookie: c=1
                """
            let response = try gateway.answer(request)
            let seen = try #require(upstream.requests.first)
            #expect(
                Set(seen.fields.map(\.name)) == [
                    "host", "authorization", "cookie", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
                    "x-request-id",
                ]
            )
            #expect(
                Set(response.fields.map(\.name)) == [
                    "date", "server", "x-request-id", "content-length", "set-cookie",
                ]
            )
            #expect(response.fields.filter { $0.name == "set-cookie" }.map(\.value) == ["a=1", "b=2"])
            #expect(response["x-request-id"]?.utf8.count == 36)
        }
    }

    @Test func `trailers that would be fields of ours are left out`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try connection.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n"
                )
            }
        }
        try withGateway(Self.yaml(upstream.url, "")) { gateway throws in
            let response = try gateway.answer(
                """
                POST /
                Transfer-Encoding: chunked
                TE: trailers

                2\r\nhi\r\n0\r\nX-Own: 1\r\nX-Forwarded-For: 9.9.9.9\r\nHost: a\r\n\r\n
                """
            )
            #expect(upstream.requests.first?.trailers.map(\.name) == ["x-own"])
            #expect(response.trailers.map(\.name) == ["x-sum"])
        }
    }

    @Test func `IPv6 and unix peers are named as they are`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            listeners:
              - { name: six, address: "[::1]:0" }
              - { name: both, address: ":0" }
              - { name: local, address: "unix:local.sock" }
            \(proxying(upstream.url))
            """
        try withGateway(yaml) { gateway throws in
            _ = try gateway.answer("GET /", listener: "six")
            _ = try RawClient(.ipv4("127.0.0.1", gateway.port("both"))).answer("GET /")
            _ = try gateway.answer("GET /", listener: "local")
            #expect(upstream.requests.map { $0["x-forwarded-for"] } == ["::1", "127.0.0.1", "unix"])
        }
    }
}
