import TestSupport
import Testing

/// Copies of requests: who gets them, and what they may cost.
@Suite("30 Mirror", .wholeProcess)
struct MirrorTests {
    private static let admin = "admin: { address: \"\(Loopback.listener)\" }\n"

    /// How many copies of a route's requests have ended so.
    private func copies(_ result: String, _ route: String, _ gateway: GatewayProcess) throws -> Double {
        try gateway.metric("penstock_mirrored_requests_total{route=\"\(route)\",result=\"\(result)\"}")
    }

    @Test func `copies are made beside the requests, and nobody waits for them`() throws {
        let shadow = try ScriptedUpstream { connection in
            // It never answers.
            while try connection.request() != nil {}
        }
        let main = try ScriptedUpstream.echo()
        let yaml =
            "admin: { address: \"\(Loopback.listener)\" }\n"
            + namedUpstreams([("main", main.url), ("shadow", shadow.url), ("none", "http://127.0.0.1:1")]) + """
                routes:
                  - { name: copied, path: "/a/{rest*}", upstream: main, rewrite: { path: "/b/{rest}" }, mirror: { upstream: shadow } }
                  - { name: lost, path: /lost, upstream: main, mirror: { upstream: none } }
                  - { name: never, path: /never, upstream: main, mirror: { upstream: shadow, percent: 0% } }
                """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            let answer = try client.answer("POST /a/x?y=1\nContent-Length: 4\n\nbody")
            #expect(answer.text == "body")
            try Deadline.wait(for: "the copy") { shadow.requests.count == 1 }
            let copy = try #require(shadow.requests.first)
            let original = try #require(main.requests.first)
            #expect(copy.line == "POST /b/x?y=1 HTTP/1.1")
            #expect(copy.text == "body")
            #expect(copy["x-request-id"] == original["x-request-id"])
            #expect(copy["x-forwarded-for"] == original["x-forwarded-for"])
            #expect(try client.answer("GET /lost").text == "echo")
            #expect(try client.answer("GET /never").text == "echo")
            try Deadline.wait(for: "the failed copy") {
                try copies("failed", "lost", gateway) == 1
            }
            #expect(shadow.requests.count == 1)
            #expect(try gateway.waitForAccessLog(3).count == 3)
            // A large body does not wait for a copy that nobody reads.
            let large = String(repeating: "x", count: 1_000_000)
            #expect(
                try client.answer("POST /a/x\nContent-Length: \(large.utf8.count)\n\n\(large)").body.count == 1_000_000
            )
        }
    }

    @Test func `a function may have the copies`() throws {
        let main = try ScriptedUpstream.echo()
        let yaml =
            "admin: { address: \"\(Loopback.listener)\" }\n" + NamedFunction.yaml + namedUpstreams([("main", main.url)])
            + "routes: [{ name: r, path: /, upstream: main, mirror: { function: f } }]"
        try withGateway(yaml, folder: NamedFunction.folder()) { gateway throws in
            for _ in 0..<3 { #expect(try gateway.answer("POST /\nContent-Length: 4\n\nbody").text == "body") }
            try Deadline.wait(for: "the copies") {
                try copies("sent", "r", gateway) == 3
                    && gateway.metric("penstock_function_invocations_total{function=\"f\"}") == 3
            }
        }
    }

    @Test func `a copy whose target does not read is given up, and its request takes no notice`() throws {
        let size = 40_000_000
        let gate = Gate()
        defer { gate.open() }
        let shadow = try ScriptedUpstream { connection in
            _ = try connection.head()
            gate.pass()
        }
        let main = try ScriptedUpstream { connection in
            while let request = try connection.head() {
                let length = request["content-length"].flatMap { Int($0) } ?? 0
                guard try connection.skip(length) else { return }
                try connection.respond("200 OK", "\(length)")
            }
        }
        let held = try FullListener()
        let yaml =
            Self.admin + "loops: 1\n"
            + namedUpstreams([("main", main.url), ("shadow", shadow.url), ("held", "http://127.0.0.1:\(held.port)")])
                + """
                routes:
                  - { name: unread, path: /unread, upstream: main, mirror: { upstream: shadow } }
                  - { name: unconnected, path: /unconnected, upstream: main, mirror: { upstream: held } }
                """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            #expect(try client.answer("POST /unread\nContent-Length: 4\n\nbody").text == "4")
            let before = gateway.process.residentKiB
            let body = [UInt8](repeating: 65, count: size)
            for route in ["unread", "unconnected"] {
                try client.request("POST /\(route)\nContent-Length: \(size)\n\n")
                try client.send(body)
                #expect(try client.response().text == "\(size)")
                try Deadline.wait(for: "the copy to be given up") { try copies("dropped", route, gateway) == 1 }
            }
            #expect(gateway.process.residentKiB - before < 8 << 10)
        }
    }

    @Test func `so many copies are under way on a loop, and of more requests there is none`() throws {
        let main = try ScriptedUpstream.fixed("main")
        let held = try FullListener()
        let yaml =
            Self.admin + """
                loops: 1
                upstreams:
                  main: { endpoints: "\(main.url)" }
                  held: { endpoints: "http://127.0.0.1:\(held.port)", timeouts: { connect: 1h } }
                routes: [{ name: r, path: /, upstream: main, mirror: { upstream: held } }]
                """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<1000 { #expect(try client.answer("GET /").text == "main") }
            #expect(try copies("dropped", "r", gateway) == 0)
            for _ in 0..<7 { #expect(try client.answer("GET /").text == "main") }
            #expect(try copies("dropped", "r", gateway) == 7)
        }
    }
}
