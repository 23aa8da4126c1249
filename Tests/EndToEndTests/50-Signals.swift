import Glibc
import TestSupport
import Testing

/// How a gateway ends.
@Suite("50 Signals", .wholeProcess)
struct SignalTests {
    /// Answers each request when the gate is opened.
    private static func gated(_ gate: Gate) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try Deadline.wait(for: "the gate") { gate.isOpen }
                try connection.respond("200 OK", "late")
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `what is under way is finished, then the gateway ends with 0`(_ signal: Int32) throws {
        let gate = Gate()
        let upstream = try Self.gated(gate)
        let yaml = "admin: { address: \"\(Loopback.listener)\" }\n\(proxying(upstream.url))"
        try withGateway(yaml) { gateway throws in
            let idle = try gateway.connect()
            #expect(try gateway.answer("GET /readyz", listener: "admin").text == "ready\n")
            let busy = try gateway.connect()
            try busy.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            gateway.process.signal(signal)
            try gateway.waitForLog("draining")
            #expect(try gateway.answer("GET /readyz", listener: "admin").status == 503)
            #expect(try gateway.answer("GET /healthz", listener: "admin").status == 200)
            #expect(throws: SupportError.self) { try gateway.connect() }
            #expect(try idle.waitForEnd() == .closed)
            gate.open()
            let response = try busy.response()
            #expect(response.text == "late")
            #expect(try busy.waitForEnd() == .closed)
            #expect(try gateway.process.waitForExit() == 0)
            #expect(gateway.log.contains("stopped"))
        }
    }

    @Test func `load balancers get time to see that it is not ready`() throws {
        let yaml = """
            admin: { address: "\(Loopback.listener)" }
            shutdown: { delay: 1500ms, timeout: 5s }
            routes: [{ path: /, respond: { body: ok } }]
            """
        try withGateway(yaml) { gateway throws in
            let kept = try gateway.connect()
            #expect(try kept.answer("GET /").status == 200)
            gateway.process.signal(SIGTERM)
            try gateway.waitForLog("not ready")
            #expect(try gateway.answer("GET /readyz", listener: "admin").status == 503)
            // Both who comes now and who was there before.
            #expect(try gateway.answer("GET /").status == 200)
            let response = try kept.answer("GET /")
            #expect(response.status == 200)
            #expect(!response.closes)
            #expect(!gateway.log.contains("draining"))
            #expect(try kept.waitForEnd() == .closed)
            try gateway.waitForLog("draining")
            #expect(try gateway.process.waitForExit() == 0)
        }
    }

    @Test func `a second signal does not wait for the delay`() throws {
        let yaml = "shutdown: { delay: 1h }\nroutes: [{ path: /, respond: { body: ok } }]"
        try withGateway(yaml) { gateway throws in
            gateway.process.signal(SIGTERM)
            try gateway.waitForLog("not ready")
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 1)
        }
    }

    @Test func `a kept connection that is idle ends at once`() throws {
        try withGateway("routes: [{ path: /, respond: { body: ok } }]") { gateway throws in
            let client = try gateway.connect()
            #expect(try client.answer("GET /").status == 200)
            gateway.process.signal(SIGTERM)
            #expect(try client.waitForEnd() == .closed)
            #expect(try gateway.process.waitForExit() == 0)
        }
    }

    @Test func `a client that has connected but not asked yet is served`() throws {
        try withGateway("routes: [{ path: /, respond: { body: ok } }]") { gateway throws in
            let client = try gateway.connect()
            gateway.process.signal(SIGTERM)
            try gateway.waitForLog("draining")
            let response = try client.answer("GET /")
            #expect(response.status == 200)
            #expect(response.closes)
            #expect(try gateway.process.waitForExit() == 0)
        }
    }

    @Test func `clients in the queue of the listener are served`() throws {
        try withGateway("routes: [{ path: /, respond: { body: ok } }]") { gateway throws in
            gateway.process.signal(SIGSTOP)
            let clients = try (0..<40).map { _ in
                let client = try gateway.connect()
                try client.request("GET /")
                return client
            }
            gateway.process.signal(SIGTERM)
            gateway.process.signal(SIGCONT)
            for client in clients { #expect(try client.response().status == 200) }
            #expect(try gateway.process.waitForExit() == 0)
        }
    }

    @Test func `a second signal ends it at once`() throws {
        let gate = Gate()
        let upstream = try Self.gated(gate)
        try withGateway(proxying(upstream.url)) { gateway throws in
            let busy = try gateway.connect()
            try busy.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            gateway.process.signal(SIGTERM)
            try gateway.waitForLog("draining")
            #expect(gateway.process.exitStatus == nil)
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit(seconds: 10) == 1)
            gate.open()
        }
    }

    @Test func `a SIGHUP while it drains cuts nothing`() throws {
        let gate = Gate()
        let upstream = try Self.gated(gate)
        try withGateway(proxying(upstream.url)) { gateway throws in
            let busy = try gateway.connect()
            try busy.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            gateway.process.signal(SIGTERM)
            try gateway.waitForLog("draining")
            gateway.process.signal(SIGHUP)
            #expect(busy.staysOpen(seconds: 0.3))
            gate.open()
            #expect(try busy.response().text == "late")
            #expect(try gateway.process.waitForExit() == 0)
        }
    }

    @Test func `what is not finished within drain is cut`() throws {
        let gate = Gate()
        let upstream = try Self.gated(gate)
        try withGateway("drain: 400ms\n\(proxying(upstream.url))") { gateway throws in
            let busy = try gateway.connect()
            try busy.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit(seconds: 10) == 0)
            _ = try busy.waitForEnd()
            gate.open()
        }
    }

    @Test func `a streamed answer goes on to its end`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            try Deadline.wait(for: "the gate") { gate.isOpen }
            try connection.send("3\r\ntwo\r\n0\r\n\r\n")
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /")
            #expect(try client.head().status == 200)
            #expect(try client.chunk() == Array("one".utf8))
            gateway.process.signal(SIGTERM)
            try gateway.waitForLog("draining")
            gate.open()
            #expect(try client.chunk() == Array("two".utf8))
            #expect(try client.chunk() == [])
            #expect(try gateway.process.waitForExit() == 0)
        }
    }

    @Test func `SIGPIPE and a closed standard output do not end it`() throws {
        try withGateway("access_log: { to: stdout }\nroutes: [{ path: /, respond: { body: ok } }]") { gateway throws in
            gateway.process.signal(SIGPIPE)
            for _ in 0..<3 { #expect(try gateway.answer("GET /").status == 200) }
        }
    }
}
