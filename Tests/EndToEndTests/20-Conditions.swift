import TestSupport
import Testing

/// Routes that ask for more than a host, a path and a method.
@Suite("20 Conditions", .wholeProcess)
struct ConditionTests {
    @Test func `a route asks for fields, cookies, parameters and clients`() throws {
        let yaml = """
            listeners: [{ name: public, address: "\(Loopback.listener)", trusted_proxies: ["\(Loopback.address)"] }]
            routes:
              - { path: /a, match: { headers: { x-version: { regex: "^v[0-9]+$" } } }, respond: { body: version } }
              - { path: /a, match: { headers: { authorization: { prefix: "Bearer " } } }, respond: { body: bearer } }
              - { path: /a, match: { cookies: { theme: dark } }, respond: { body: dark } }
              - { path: /a, match: { query: { file: { suffix: .pdf } } }, respond: { body: pdf } }
              - { path: /a, match: { client_address: [10.0.0.0/8, "2001:db8::/32"] }, respond: { body: inside } }
              - { path: /a, match: { headers: { x-debug: { present: false } } }, respond: { body: plain } }
            """
        let rows = [
            ("GET /a\nX-Version: v12", "version"), ("GET /a\nX-Version: 12", "plain"),
            ("GET /a\nAuthorization: Bearer abc", "bearer"), ("GET /a\nCookie: a=1; theme=dark", "dark"),
            ("GET /a?file=x%2Epdf", "pdf"), ("GET /a\nX-Forwarded-For: 10.1.2.3", "inside"),
            ("GET /a\nX-Forwarded-For: 2001:db8::7", "inside"),
            ("GET /a\nX-Forwarded-For: 10.1.2.3, 11.0.0.1", "plain"),
            ("GET /a", "plain"),
        ]
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            for (request, expected) in rows { #expect(try client.answer(request).text == expected, "\(request)") }
            #expect(try client.answer("GET /a\nX-Debug: 1").status == 404)
        }
    }

    @Test func `a final slash is another path, none, or a redirect`() throws {
        let yaml = """
            routes:
              - { path: /strict, respond: { body: strict } }
              - { path: /ignore, trailing_slash: ignore, respond: { body: ignore } }
              - { path: "/to/{id}", trailing_slash: redirect, respond: { body: redirect } }
              - { path: /slash/, trailing_slash: redirect, methods: [POST], respond: { body: slash } }
            """
        let rows =
            [
                ("GET /strict", 200, nil), ("GET /strict/", 404, nil), ("GET /ignore", 200, nil),
                ("GET /ignore/", 200, nil),
                ("GET /to/7", 200, nil), ("GET /to/7/", 308, "/to/7"),
                ("GET /to/a%2fb/?x=1&y=%20", 308, "/to/a%2Fb?x=1&y=%20"),
                ("POST /slash\nContent-Length: 0", 308, "/slash/"), ("POST /slash/\nContent-Length: 0", 200, nil),
                ("GET /slash", 405, nil),
            ] as [(String, Int, String?)]
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            for (request, status, location) in rows {
                let response = try client.answer(request)
                #expect(response.status == status, "\(request)")
                #expect(response["location"] == location, "\(request)")
            }
        }
    }

    @Test func `a regular expression that takes too long does not match, and that is said once`() throws {
        let yaml = """
            routes:
              - { name: hostile, path: /a, match: { headers: { x: { regex: "(a+)+$" } } }, respond: { body: match } }
              - { path: /a, respond: { body: none } }
            """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            let hostile = String(repeating: "a", count: 8_000) + "!"
            for _ in 0..<20 { #expect(try client.answer("GET /a\nX: \(hostile)").text == "none") }
            #expect(try client.answer("GET /a\nX: aaaa").text == "match")
            try gateway.waitForLog("a regular expression took too long")
            let lines = gateway.log.split(separator: "\n").filter { $0.contains("took too long") }
            #expect(lines.count == 1)
            #expect(lines.allSatisfy { $0.contains("warning") && $0.contains("route=hostile") })
        }
    }
}
