import Glibc
import TestSupport
import Testing

/// SIGHUP: another configuration in the place of the one that runs.
@Suite("50 Reload", .wholeProcess)
struct ReloadTests {
    private static func answering(_ text: String) -> String { "routes: [{ path: /, respond: { body: \(text) } }]" }

    @Test func `routes change, connections stay`() throws {
        try withGateway(Self.answering("old")) { gateway throws in
            let client = try gateway.connect()
            #expect(try client.answer("GET /").text == "old")
            #expect(try gateway.reload(Self.answering("new")))
            #expect(try client.answer("GET /").text == "new")
            #expect(try gateway.answer("GET /").text == "new")
        }
    }

    @Test func `a file with errors is reported, and the old one goes on`() throws {
        let yaml = "admin: { address: \"\(Loopback.listener)\" }\n"
        try withGateway(yaml + Self.answering("old")) { gateway throws in
            #expect(try !gateway.reload(yaml + "routes: [{ path: /, respnd: { body: x } }]"))
            #expect(gateway.log.contains("error: unknown key 'respnd'"))
            #expect(try gateway.answer("GET /").text == "old")
            #expect(try !gateway.reload(yaml + "routes: [{"))
            #expect(try gateway.answer("GET /").text == "old")
            let metrics = try gateway.answer("GET /metrics", listener: "admin").text
            #expect(metrics.contains("penstock_config_reloads_total{result=\"failed\"} 2"))
            #expect(metrics.contains("penstock_config_last_reload_successful 0"))
            #expect(try gateway.reload(yaml + Self.answering("new")))
            #expect(try gateway.answer("GET /").text == "new")
        }
    }

    @Test func `who is trusted changes for kept connections too`() throws {
        let upstream = try ScriptedUpstream.echo()
        let listener = { (trusted: String) in
            "listeners: [{ name: public, address: \"127.0.0.1:0\", trusted_proxies: [\(trusted)] }]\n"
        }
        try withGateway(listener("127.0.0.1") + proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            for (trusted, expected) in [
                ("127.0.0.1", "6.6.6.6, 127.0.0.1"), ("", "127.0.0.1"), ("127.0.0.0/8", "6.6.6.6, 127.0.0.1"),
            ] {
                #expect(try gateway.reload(listener(trusted) + proxying(upstream.url)))
                #expect(try client.answer("GET /\nX-Forwarded-For: 6.6.6.6").status == 200)
                #expect(upstream.requests.last?["x-forwarded-for"] == expected)
            }
        }
    }

    @Test func `listeners come and go`() throws {
        let one = "{ name: public, address: \"\(Loopback.listener)\" }"
        let two = "{ name: second, address: \"unix:second.sock\" }"
        try withGateway("listeners: [\(one)]\n" + Self.answering("ok")) { gateway throws in
            let second = TestAddress.unix("\(gateway.folder.path)/second.sock")
            #expect(try gateway.reload("listeners: [\(one), \(two)]\n" + Self.answering("ok")))
            let kept = try RawClient(second)
            #expect(try kept.answer("GET /").text == "ok")
            #expect(try gateway.answer("GET /").text == "ok")
            #expect(try gateway.reload("listeners: [\(one)]\n" + Self.answering("ok")))
            #expect(throws: SupportError.self) { try RawClient(second) }
            #expect(try kept.waitForEnd() == .closed)
            #expect(try gateway.reload("listeners: [\(one), \(two)]\n" + Self.answering("ok")))
            #expect(try RawClient(second).answer("GET /").text == "ok")
        }
    }

    @Test func `a listener that is gone finishes what is under way, and serves nothing more`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                try Deadline.wait(for: "the gate") { gate.isOpen }
                try connection.respond("200 OK", "late")
            }
        }
        let one = "{ name: public, address: \"127.0.0.1:0\" }"
        let two = "{ name: second, address: \"unix:second.sock\" }"
        try withGateway("listeners: [\(one), \(two)]\n" + proxying(upstream.url)) { gateway throws in
            let busy = try RawClient(.unix("\(gateway.folder.path)/second.sock"))
            try busy.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            #expect(try gateway.reload("listeners: [\(one)]\n" + Self.answering("new")))
            gate.open()
            let response = try busy.response()
            #expect(response.text == "late")
            #expect(response.closes)
            #expect(try busy.waitForEnd() == .closed)
        }
    }

    @Test func `a kept connection is judged by the settings of now`() throws {
        let upstream = try ScriptedUpstream.echo()
        let own = Loopback.address
        func yaml(_ trusted: String, _ limit: String) -> String {
            """
            listeners: [{ name: public, address: "\(Loopback.listener)", trusted_proxies: [\(trusted)] }]
            limits: { request_line: \(limit) }
            \(proxying(upstream.url))
            """
        }
        let request = "GET /\nX-Forwarded-For: 192.0.2.7"
        try withGateway(yaml("\"\(own)\"", "64KiB")) { gateway throws in
            let client = try gateway.connect()
            _ = try client.answer(request)
            #expect(try gateway.reload(yaml("", "1KiB")))
            _ = try client.answer(request)
            #expect(upstream.requests.map { $0["x-forwarded-for"] } == ["192.0.2.7, \(own)", own])
            #expect(try gateway.reload(yaml("\"\(own)\"", "1KiB")))
            _ = try client.answer(request)
            #expect(upstream.requests.last?["x-forwarded-for"] == "192.0.2.7, \(own)")
            #expect(try client.answer("GET /\(String(repeating: "x", count: 1024))").status == 414)
        }
    }

    @Test func `an address in use leaves everything as it was`() throws {
        let taken = try ScriptedUpstream.echo()
        let one = "{ name: public, address: \"\(Loopback.listener)\" }"
        let fresh = "{ name: fresh, address: \"unix:fresh.sock\" }"
        let used = "{ name: used, address: \"127.0.0.1:\(taken.port)\" }"
        try withGateway("listeners: [\(one)]\n" + Self.answering("old")) { gateway throws in
            #expect(try !gateway.reload("listeners: [\(one), \(fresh), \(used)]\n" + Self.answering("new")))
            #expect(gateway.log.contains("127.0.0.1:\(taken.port)"))
            #expect(try gateway.answer("GET /").text == "old")
            #expect(throws: SupportError.self) { try RawClient(.unix("\(gateway.folder.path)/fresh.sock")) }
        }
    }

    @Test func `another upstream takes over, and the old one's connections are let go`() throws {
        let old = try ScriptedUpstream(answering: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
        let new = try ScriptedUpstream(answering: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
        try withGateway("loops: 1\n" + proxying(old.url)) { gateway throws in
            #expect(try gateway.answer("GET /").text == "old")
            #expect(try gateway.reload("# a comment\ndrain: 7s\nloops: 1\n" + proxying(old.url)))
            #expect(try gateway.answer("GET /").text == "old")
            #expect(old.connections == 1)
            #expect(try gateway.reload("loops: 1\n" + proxying(new.url)))
            #expect(try gateway.answer("GET /").text == "new")
        }
    }

    @Test func `a function is started anew when its code has changed, and only then`() throws {
        let worker = { (text: String) in
            "import json, os, sys\nfor line in sys.stdin: print(json.dumps('\(text) %d' % os.getpid()), flush=True)\n"
        }
        let handler = { (text: String) in "import os\ndef answer(event, context): return '\(text) %d' % os.getpid()\n" }
        let folder = try TemporaryFolder()
        try folder.write("worker.py", worker("old"))
        try folder.write("code/handler.py", handler("old"))
        try folder.write("work/kept", "")
        // Beside routes.yaml and the log, which are no code.
        try folder.write("beside.py", handler("old"))
        let yaml = """
            access_log: { to: access.log }
            functions:
              command: { command: [python3, worker.py], instances: { max: 1 } }
              handler: { handler: code/handler.py:answer, directory: work, instances: { max: 1 } }
              beside: { handler: beside.py:answer, instances: { max: 1 } }
            routes:
              - { path: /command, function: command }
              - { path: /handler, function: handler }
              - { path: /beside, function: beside }
            """
        try withGateway(yaml, folder: folder) { gateway throws in
            for (path, file, change) in [
                ("/command", "worker.py", worker("new")), ("/handler", "code/handler.py", handler("new")),
                ("/beside", "beside.py", handler("new")),
            ] {
                let first = try gateway.answer("GET \(path)").text
                #expect(first.contains("old"))
                #expect(try gateway.reload("# a comment\n" + yaml))
                #expect(try gateway.answer("GET \(path)").text == first)
                try folder.write(file, change)
                #expect(try gateway.reload())
                #expect(try gateway.answer("GET \(path)").text.contains("new"))
            }
        }
    }

    @Test func `a log that was renamed is opened again, whatever the file says`() throws {
        let yaml = "access_log: { to: access.log }\n" + Self.answering("ok")
        try withGateway(yaml) { gateway throws in
            for text in [yaml, "routes: [{", "access_log: { to: nowhere/access.log }\n" + Self.answering("ok")] {
                #expect(rename("\(gateway.folder.path)/access.log", "\(gateway.folder.path)/old.log") == 0)
                #expect(try gateway.reload(text) == (text == yaml))
                // A line may still go to the old one while the new one is opened.
                try Deadline.wait(for: "a line in a new log") {
                    let answer = try gateway.answer("GET /")
                    #expect(answer.text == "ok")
                    return gateway.folder.has("access.log") && gateway.folder.read("access.log").contains("GET / ")
                }
            }
        }
    }

    @Test func `bodies that are under way count in the new configuration too`() throws {
        let yaml = """
            limits: { buffered: 1MiB }
            functions: { f: { command: [sh, -c, "cat >body; echo null"], protocol: exec } }
            routes: [{ path: /, function: f }]
            """
        try withGateway(yaml) { gateway throws in
            // Asks for leave to send as much again, and sends nothing.
            let asked = {
                let client = try gateway.connect()
                try client.request("POST /\nExpect: 100-continue\nContent-Length: 700000\n\n")
                return try client.head().status
            }
            let slow = try gateway.connect()
            try slow.request("POST /\nContent-Length: 700001\n\n\(String(repeating: "a", count: 700_000))")
            try Deadline.wait(for: "the body to be taken") { try asked() == 503 }
            #expect(try gateway.reload("# a comment\n" + yaml))
            #expect(try asked() == 503)
            try slow.send("a")
            #expect(try slow.response().status == 200)
            #expect(try asked() == 100)
        }
    }

    @Test func `a request that is under way ends as it began`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try Deadline.wait(for: "the gate") { gate.isOpen }
            try connection.respond("200 OK", "late")
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /")
            try Deadline.wait(for: "the request") { upstream.requests.count == 1 }
            #expect(try gateway.reload(Self.answering("new")))
            gate.open()
            #expect(try client.response().text == "late")
            #expect(try client.answer("GET /").text == "new")
        }
    }

    @Test func `a hundred reloads under load lose no request`() throws {
        let upstream = try ScriptedUpstream.echo()
        let configurations = (0..<4).map { number in
            """
            access_log: { to: access.log }
            listeners:
              - { name: public, address: "\(Loopback.listener)" }
              - { name: extra, address: "unix:extra\(number % 2).sock" }
            upstreams: { service: { endpoints: ["\(upstream.url)"], timeouts: { first_byte: \(10 + number)s } } }
            routes:
              - { path: /fixed, respond: { body: fixed } }
              - { path: "/{rest*}", upstream: service }
            """
        }
        try withGateway(configurations[0]) { gateway throws in
            let load = Load(try gateway.address(), asking: ["/fixed", "/echo"]) { path, answer in
                answer.status == 200 && answer.text == path.dropFirst()
            }
            for number in 1...100 { #expect(try gateway.reload(configurations[number % 4])) }
            let (answers, failures) = load.stop()
            #expect(failures == [])
            #expect(answers > 200)
            #expect(try gateway.answer("GET /fixed").text == "fixed")
        }
    }

    @Test func `an upstream that a reload replaces leaves nothing behind`() throws {
        func configuration(_ number: Int) -> String {
            let upstreams = (0..<40).map {
                "  u\($0): { endpoints: [\"http://127.0.0.1:1\"], keepalive: { connections: \(8 + number % 2) } }\n"
            }
            return "loops: 1\nupstreams:\n\(upstreams.joined())routes: [{ path: /, upstream: u0 }]\n"
        }
        try withGateway(configuration(0)) { gateway throws in
            for number in 1...40 { #expect(try gateway.reload(configuration(number))) }
            let before = gateway.process.residentKiB
            for number in 41...120 { #expect(try gateway.reload(configuration(number))) }
            #expect(gateway.process.residentKiB - before < 1500)
        }
    }
}
