import TestSupport
import Testing

/// Configurations that say once what holds for many.
@Suite("20 Composition", .wholeProcess)
struct CompositionTests {
    @Test func `defaults hold where a route or an upstream says nothing`() throws {
        let upstream = try ScriptedUpstream { connection in
            // Never an answer.
            _ = try connection.request()
            while try connection.request() != nil {}
        }
        let yaml = """
            defaults:
              upstream: { timeouts: { first_byte: 100ms } }
              route:
                trailing_slash: ignore
                limits: { body: 4B }
                headers: { response: { set: { x-frame-options: DENY, x-from: defaults } } }
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - { path: /a, respond: { body: a } }
              - path: /b
                respond: { body: b }
                trailing_slash: strict
                limits: { body: none }
                headers: { response: { set: { X-From: route } } }
              - { path: /slow, upstream: service }
            """
        try withGateway(yaml) { gateway throws in
            let first = try gateway.answer("GET /a/")
            #expect(first.text == "a")
            #expect(first["x-frame-options"] == "DENY")
            #expect(first["x-from"] == "defaults")
            #expect(try gateway.answer("POST /a\nContent-Length: 5\n\nabcde").status == 413)
            let second = try gateway.answer("POST /b\nContent-Length: 5\n\nabcde")
            #expect(second.text == "b")
            #expect(second["x-frame-options"] == "DENY")
            #expect(second["x-from"] == "route")
            #expect(try gateway.answer("GET /b/").status == 404)
            #expect(try gateway.answer("GET /slow").status == 504)
        }
    }

    @Test func `what a group says holds for what is inside`() throws {
        let yaml = """
            routes:
              - prefix: "/api/{tenant}"
                hosts: [shop.example.com]
                limits: { body: 4B }
                headers: { response: { set: { x-group: outer, x-outer: outer } } }
                routes:
                  - { path: /users, respond: { body: users } }
                  - prefix: /v2
                    headers: { response: { set: { X-Group: inner } } }
                    routes:
                      - { path: "/users/{id}", respond: { body: user }, limits: { body: none } }
              - { path: /users, respond: { body: outside } }
            """
        let host = "\nHost: shop.example.com"
        try withGateway(yaml) { gateway throws in
            let users = try gateway.answer("GET /api/a/users" + host)
            #expect(users.text == "users")
            #expect(users["x-group"] == "outer")
            #expect(try gateway.answer("POST /api/a/users\(host)\nContent-Length: 5\n\nabcde").status == 413)
            let user = try gateway.answer("POST /api/a/v2/users/7\(host)\nContent-Length: 5\n\nabcde")
            #expect(user.text == "user")
            #expect(user["x-group"] == "inner")
            #expect(user["x-outer"] == "outer")
            #expect(try gateway.answer("GET /api/a/users").status == 404)
            #expect(try gateway.answer("GET /users" + host).text == "outside")
        }
    }
}
