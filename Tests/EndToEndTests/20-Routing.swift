import TestSupport
import Testing

/// Which route answers, with what, through a running gateway; the tables of RoutingTests have the rest.
@Suite("20 Routing", .wholeProcess)
struct RoutingTests {
    /// A request, and what comes back.
    struct Row: Sendable, CustomTestStringConvertible {
        let request: String
        let status: Int
        let expected: String
        var testDescription: String { "\(request.split(separator: "\n").joined(separator: " | "))" }

        init(_ request: String, _ status: Int, _ expected: String = "") {
            self.request = request
            self.status = status
            self.expected = expected
        }
    }

    private static let yaml = """
        routes:
          - { path: /literal, methods: [GET, POST], respond: { body: literal } }
          - { path: "/users/{id}", methods: [GET], respond: { body: user } }
          - { path: "/users/me", methods: [GET], respond: { body: me } }
          - { path: "/users/me", methods: [DELETE], respond: { status: 204 } }
          - { path: "/files/{path+}", respond: { body: files } }
          - { path: "/rest/{path*}", respond: { body: rest } }
          - { path: "/beta", match: { headers: { x-beta: true } }, respond: { body: beta } }
          - { path: "/beta", match: { query: { v: "2" } }, respond: { body: second } }
          - { path: "/beta", respond: { body: plain } }
          - { path: "/host", hosts: [shop.example.com], respond: { body: shop } }
          - { path: "/host", hosts: ["*.example.com"], respond: { body: wildcard } }
          - { path: "/host", respond: { body: any } }
          - { path: "/own", methods: [OPTIONS], respond: { status: 200, body: options } }
          - { path: "/down/{x*}", match: { headers: { x-down: true } }, priority: 10, respond: { status: 503 } }
          - { path: "/down/{id}", hosts: [shop.example.com], respond: { body: up } }
          - { path: "/teapot", respond: { status: 418, body: short } }
        """

    private static let rows: [Row] = [
        .init("GET /literal", 200, "literal"),
        .init("POST /literal", 200, "literal"),
        .init("GET /literal/", 404),
        .init("GET /users/7", 200, "user"),
        .init("GET /users/me", 200, "me"),
        .init("GET /users/", 404),
        .init("DELETE /users/me", 204),
        .init("GET /users/%6de", 200, "me"),
        .init("GET /users/x/../me", 200, "me"),
        .init("GET /users/..%2fme", 400),
        .init("GET /a/..;x=1/b", 400),
        .init("GET /%252e%252e/b", 400),
        .init("GET /\\..\\", 400),
        .init("GET /files/a/b", 200, "files"),
        .init("GET /files/", 404),
        .init("GET /files", 404),
        .init("GET /rest", 200, "rest"),
        .init("GET /rest/", 200, "rest"),
        .init("GET /rest/a//b", 200, "rest"),
        .init("GET /beta\nX-Beta: 1", 200, "beta"),
        .init("GET /beta?v=2", 200, "second"),
        .init("GET /beta?v=3", 200, "plain"),
        .init("GET /host\nHost: shop.example.com", 200, "shop"),
        .init("GET /host\nHost: SHOP.example.com:8080", 200, "shop"),
        .init("GET /host\nHost: a.b.example.com", 200, "wildcard"),
        .init("GET /host\nHost: example.org", 200, "any"),
        .init("GET http://shop.example.com/host\nHost: shop.example.com", 200, "shop"),
        .init("OPTIONS /own", 200, "options"),
        .init("GET /down/7\nHost: shop.example.com", 200, "up"),
        .init("GET /down/7\nHost: shop.example.com\nX-Down: 1", 503),
        .init("GET /teapot", 418, "short"),
        .init("GET /nowhere", 404),
    ]

    @Test func `requests reach the routes that they should`() throws {
        try withGateway(Self.yaml) { gateway throws in
            let client = try gateway.connect()
            for row in Self.rows {
                let response = row.status == 400 ? try gateway.answer(row.request) : try client.answer(row.request)
                #expect(response.status == row.status, "\(row.testDescription)")
                if !row.expected.isEmpty { #expect(response.text == row.expected, "\(row.testDescription)") }
            }
        }
    }

    @Test func `404 and 405 are JSON with the request's id`() throws {
        try withGateway(Self.yaml) { gateway throws in
            let missing = try gateway.answer("GET /nowhere")
            #expect(missing.status == 404)
            #expect(missing["content-type"] == "application/json")
            let id = try #require(missing["x-request-id"])
            #expect(missing.text == "{\"message\":\"Not Found\",\"requestId\":\"\(id)\"}\n")
            let refused = try gateway.answer("PUT /users/me")
            #expect(refused.status == 405)
            #expect(refused["allow"] == "GET, HEAD, DELETE, OPTIONS")
            #expect(refused.text.contains("\"message\":\"Method Not Allowed\""))
        }
    }

    @Test func `OPTIONS and HEAD come from the table`() throws {
        try withGateway(Self.yaml) { gateway throws in
            let options = try gateway.answer("OPTIONS /literal")
            #expect(options.status == 204)
            #expect(options["allow"] == "GET, HEAD, POST, OPTIONS")
            #expect(options["content-length"] == nil)
            let head = try gateway.answer("HEAD /literal")
            #expect(head.status == 200)
            #expect(head["content-length"] == "7")
            #expect(try gateway.answer("HEAD /nowhere").body.isEmpty)
        }
    }

    @Test func `routes of one listener are not those of another`() throws {
        let yaml = """
            listeners:
              - { name: public, address: "127.0.0.1:0" }
              - { name: private, address: "[::1]:0" }
            routes:
              - { path: /, listeners: [private], respond: { body: private } }
              - { path: /both, respond: { body: both } }
            """
        try withGateway(yaml) { gateway throws in
            #expect(try gateway.answer("GET /").status == 404)
            #expect(try gateway.answer("GET /", listener: "private").text == "private")
            #expect(try gateway.answer("GET /both", listener: "private").text == "both")
        }
    }

    @Test func `paths are rewritten, and what is routed is what is forwarded`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - { path: "/shop/{rest*}", upstream: service, rewrite: { path: "/inner/{rest}" } }
              - { path: "/{rest*}", upstream: service }
            """
        let rows = [
            ("/shop/a/b?x=1&y=%20", "/inner/a/b?x=1&y=%20"), ("/shop", "/inner/"),
            ("/shop/%C3%A4%2fb", "/inner/%C3%A4%2Fb"),
            ("/a/./b/../c", "/a/c"), ("/%7Euser", "/~user"), ("/x//y", "/x//y"), ("/q?a=b?c#", "400"), ("/?", "/?"),
        ]
        try withGateway(yaml) { gateway throws in
            for (sent, seen) in rows where seen != "400" {
                #expect(try gateway.answer("GET \(sent)").status == 200, "\(sent)")
                #expect(upstream.requests.last?.line == "GET \(seen) HTTP/1.1")
            }
            #expect(try gateway.answer("GET /q?a=b?c#").status == 400)
        }
    }

    @Test func `fields are edited in both directions`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try connection.respond("200 OK", fields: "Server: inner\r\nX-Inner: 1\r\nX-Keep: 2\r\n", "ok")
            }
        }
        let yaml = """
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - path: "/users/{id}"
                upstream: service
                headers:
                  request: { set: { x-api: v1, x-user: "{id}" }, remove: [x-debug] }
                  response: { set: { x-frame-options: DENY }, remove: [server, x-inner] }
            """
        try withGateway(yaml) { gateway throws in
            let response = try gateway.answer("GET /users/a%20b\nX-Api: mine\nX-Debug: 1\nX-Other: 2")
            let seen = try #require(upstream.requests.last)
            #expect(seen["x-api"] == "v1")
            #expect(seen["x-user"] == "a%20b")
            #expect(seen["x-debug"] == nil)
            #expect(seen["x-other"] == "2")
            #expect(response["x-frame-options"] == "DENY")
            #expect(response["server"] == nil)
            #expect(response["x-inner"] == nil)
            #expect(response["x-keep"] == "2")
        }
    }

    @Test func `redirects go where they should, and nowhere else`() throws {
        let yaml = """
            routes:
              - { path: "/old/{rest*}", redirect: { to: "/new/{rest}" } }
              - { path: "/perm", redirect: { to: "https://example.org/x", status: 308 } }
              - { hosts: ["*.example.com"], path: "/host/{rest*}", redirect: { to: "https://example.com{path}", status: 301 } }
            """
        let rows = [
            ("GET /old/a/b?q=1", 302, "/new/a/b"), ("POST /perm", 308, "https://example.org/x"),
            ("GET /host/a\nHost: www.example.com", 301, "https://example.com/host/a"),
            ("GET /old//evil.example/", 302, "/new//evil.example/"),
        ]
        try withGateway(yaml) { gateway throws in
            for (request, status, location) in rows {
                let response = try gateway.answer(request)
                #expect(response.status == status, "\(request)")
                #expect(response["location"]?.hasPrefix(location) == true, "\(request): \(response["location"] ?? "")")
            }
        }
    }
}
