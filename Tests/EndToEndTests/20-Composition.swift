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

    @Test func `included files are read again with the file, and named where they are wrong`() throws {
        let folder = try TemporaryFolder()
        try folder.write("conf.d/a.yaml", "routes: [{ path: /a, respond: { body: first } }]\n")
        try folder.write("conf.d/files/x.txt", "beside")
        let yaml = "include: conf.d/*.yaml\nroutes: [{ path: /own, respond: { body: own } }]"
        try withGateway(yaml, folder: folder) { gateway throws in
            #expect(try gateway.answer("GET /own").text == "own")
            #expect(try gateway.answer("GET /a").text == "first")
            try folder.replace("conf.d/a.yaml", "routes: [{ path: /a, respond: { body: second } }]\n")
            try folder.write("conf.d/b.yaml", "routes: [{ path: \"/b/{x*}\", files: { root: files } }]\n")
            #expect(try gateway.reload())
            #expect(try gateway.answer("GET /a").text == "second")
            #expect(try gateway.answer("GET /b/x.txt").text == "beside")
            let explain = [GatewayProcess.binary, "explain", "GET", "/b/x.txt"]
            let report = try ChildProcess.run(explain, in: folder.path, environment: [:])
            #expect(report.output.contains("ANY /b/{x*} (conf.d/b.yaml:1:10)"), "\(report.output)\(report.errors)")
            try folder.replace("conf.d/b.yaml", "routes:\n  - { path: /b, respnd: {} }\n")
            #expect(try !gateway.reload())
            #expect(gateway.log.contains("conf.d/b.yaml:2:17: error: unknown key 'respnd' in a route"))
            #expect(gateway.log.contains("  - { path: /b, respnd: {} }\n"))
            #expect(try gateway.answer("GET /b/x.txt").text == "beside")
        }
    }
}
