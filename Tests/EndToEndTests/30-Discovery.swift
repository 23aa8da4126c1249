import Synchronization
import TestSupport
import Testing

/// Endpoints that are names: found, and found again when they move.
@Suite("30 Discovery", .wholeProcess)
struct DiscoveryTests {
    private func configuration(_ server: ScriptedNameServer, _ endpoint: String, more: String = "") -> String {
        """
        loops: 2
        resolver: { servers: ["127.0.0.1:\(server.port)"], timeout: 500ms, tries: 1 }
        upstreams: { service: { endpoints: [\(endpoint)]\(more) } }
        routes: [{ path: "/{rest*}", upstream: service }]
        """
    }

    private func upstream(_ text: String) throws -> ScriptedUpstream {
        try ScriptedUpstream(answering: "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    }

    @Test func `a gateway starts with a name that is not known, and finds it when it is`() throws {
        let isThere = Gate()
        let upstream = try upstream("found")
        let server = try ScriptedNameServer { question, _ in
            guard isThere.isOpen, question.kind == .a else { return isThere.isOpen ? .records([]) : .code(2) }
            return .records([.a("shop.test", [127, 0, 0, 1], ttl: 60)])
        }
        try withGateway(configuration(server, "\"http://shop.test:\(upstream.port)\"")) { gateway throws in
            try gateway.waitForLog("a name has no answer")
            #expect(gateway.log.contains("shop.test"))
            let answer = try gateway.answer("GET /")
            #expect(answer.status == 503 && answer["retry-after"] == "1")
            isThere.open()
            try Deadline.wait(for: "an endpoint") { try gateway.answer("GET /").text == "found" }
            try gateway.waitForLog("a name has an answer again")
        }
    }

    @Test func `a service that moves is followed when its answer has run out`() throws {
        let hasMoved = Gate()
        let (old, new) = (try upstream("old"), try upstream("new"))
        let server = try ScriptedNameServer { question, _ in
            switch question.kind {
            case .srv:
                let port = hasMoved.isOpen ? new.port : old.port
                return .records([.srv("_http._tcp.shop.test", 1, 1, port, "host.shop.test", ttl: 1)])
            case .a: return .records([.a("host.shop.test", [127, 0, 0, 1], ttl: 1)])
            default: return .records([])
            }
        }
        try withGateway(configuration(server, "{ srv: _http._tcp.shop.test }")) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<4 { #expect(try client.answer("GET /").text == "old") }
            hasMoved.open()
            try Deadline.wait(for: "the new place") { try client.answer("GET /").text == "new" }
            #expect(gateway.log.contains("no answer") == false)
        }
    }

    @Test func `every address is an endpoint, and the other family's is tried where one does not answer`() throws {
        let upstream = try upstream("IPv4")
        let server = try ScriptedNameServer { question, _ in
            switch question.kind {
            case .a: .records([.a("shop.test", [127, 0, 0, 1], ttl: 60)])
            case .aaaa: .records([.aaaa("shop.test", 1, ttl: 60)])
            default: .records([])
            }
        }
        let text = configuration(server, "\"http://shop.test:\(upstream.port)\"", more: ", retries: { attempts: 0 }")
        try withGateway(text) { gateway throws in
            for _ in 0..<4 { #expect(try gateway.answer("GET /").text == "IPv4") }
        }
    }

    @Test func `a reload keeps what is known while name servers are silent`() throws {
        let isSilent = Gate()
        let upstream = try upstream("known")
        let server = try ScriptedNameServer { question, _ in
            if isSilent.isOpen { return .silence }
            return question.kind == .a ? .records([.a("shop.test", [127, 0, 0, 1], ttl: 1)]) : .records([])
        }
        let text = configuration(server, "\"http://shop.test:\(upstream.port)\"")
        try withGateway(text) { gateway throws in
            #expect(try gateway.answer("GET /").text == "known")
            isSilent.open()
            let changed = text.replacing("endpoints", with: "keepalive: { connections: 7 }, endpoints")
            #expect(try gateway.reload(changed))
            #expect(try gateway.answer("GET /").text == "known")
            try gateway.waitForLog("a name has no answer")
            #expect(try gateway.answer("GET /").text == "known")
        }
    }
}
