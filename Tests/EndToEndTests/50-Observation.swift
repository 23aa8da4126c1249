import Glibc
import TestSupport
import Testing

/// What a gateway says of itself: admin listener, metrics, logs.
@Suite("50 Observation", .wholeProcess)
struct ObservationTests {
    private static let admin = "admin: { address: \"\(Loopback.listener)\" }\n"
    private static let routes = """
        routes:
          - { name: home, path: /, respond: { body: "home" } }
          - { path: "/users/{id}", methods: [GET, POST], respond: { body: "user" } }
        """

    @Test func `the admin listener answers what it should, to whom it should`() throws {
        let rows: [(String, Int)] = [
            ("GET /healthz", 200), ("HEAD /healthz", 200), ("GET /readyz", 200), ("GET /metrics", 200),
            ("POST /healthz", 405), ("GET /nothing", 404), ("GET /", 404),
            ("GET /metrics\nHost: rebound.example", 403), ("GET /metrics\nHost: localhost:9901", 200),
            ("GET /metrics\nHost: 127.0.0.1\nOrigin: http://evil.example", 403),
            ("GET /metrics\nHost: [::1]:9901\nSec-Fetch-Site: cross-site", 403),
        ]
        try withGateway(Self.admin + Self.routes) { gateway throws in
            for (request, status) in rows {
                let text = request.contains("Host:") ? request : request + "\nHost: 127.0.0.1"
                #expect(try gateway.answer(text, listener: "admin").status == status, "\(request)")
            }
            #expect(try gateway.answer("GET /healthz").status == 404)
        }
    }

    @Test func `the admin listener may be a socket of the owner alone`() throws {
        try withGateway("admin: { address: \"unix:admin.sock\" }\n" + Self.routes) { gateway throws in
            #expect(try gateway.answer("GET /healthz", listener: "admin").text == "ok\n")
            var info = stat()
            #expect(stat("\(gateway.folder.path)/admin.sock", &info) == 0)
            #expect(info.st_mode & 0o777 == 0o600)
        }
    }

    /// Reads the text of /metrics from standard input with prometheus_client, and prints a line for every sample.
    private static let parser = """
        import sys
        from prometheus_client.parser import text_string_to_metric_families
        for family in text_string_to_metric_families(sys.stdin.read()):
            assert family.documentation, family.name
            for sample in family.samples:
                if sample.name.endswith("_bucket"): continue
                labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()) if k != "le")
                print(family.type, sample.name, labels, sample.value)
        """

    private func samples(_ gateway: GatewayProcess) throws -> [String] {
        let text = try gateway.answer("GET /metrics\nHost: 127.0.0.1", listener: "admin").text
        let outcome = try ChildProcess.run([GatewayProcess.python, "-c", Self.parser], input: text)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    private func expect(_ lines: [String], in samples: [String]) {
        let missing = lines.filter { !samples.contains($0) }
        #expect(missing == [], "in\n\(samples.joined(separator: "\n"))")
    }

    @Test func `prometheus_client reads the metrics, and they count`() throws {
        try withGateway(Self.admin + Self.routes) { gateway throws in
            let kept = try gateway.connect()
            for _ in 0..<3 { _ = try kept.answer("GET /") }
            _ = try gateway.answer("POST /users/1\nContent-Length: 4\n\nbody")
            _ = try gateway.answer("GET /users/2?secret=1")
            _ = try gateway.answer("BREW /users/2")
            _ = try gateway.answer("GET /missing/path")
            try Deadline.wait(for: "the end of all connections but one") {
                try gateway.metric("penstock_connections{listener=\"public\"}") == 1
            }
            let samples = try self.samples(gateway)
            let expected = [
                "counter penstock_http_requests_total listener=public,method=GET,route=home,status=200,target=respond 3.0",
                "counter penstock_http_requests_total listener=public,method=POST,route=GET,POST /users/{id},status=200,target=respond 1.0",
                "counter penstock_http_requests_total listener=public,method=other,route=,status=405,target=none 1.0",
                "counter penstock_http_requests_total listener=public,method=GET,route=,status=404,target=none 1.0",
                "histogram penstock_http_request_duration_seconds_count listener=public,method=GET,route=home,status=200,target=respond 3.0",
                "counter penstock_http_sent_bytes_total listener=public 179.0",
                "gauge penstock_connections listener=public 1.0",
                "gauge penstock_config_generation  1.0",
                "gauge penstock_build_info version=0.1.0 1.0",
            ]
            expect(expected, in: samples)
            #expect(samples.contains { $0.hasPrefix("counter penstock_connections_accepted_total listener=public 5") })
            #expect(
                !samples.contains { $0.contains("secret") || $0.contains("example.com") || $0.contains("/missing") }
            )
            for name in ["process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total"] {
                #expect(samples.contains { $0.split(separator: " ")[1] == name }, "\(name)")
            }
        }
    }

    @Test func `a request that waited in vain says how long`() throws {
        let yaml = """
            access_log: { to: stdout }
            functions:
              slow:
                command: [sh, -c, "touch started; until test -e gate; do sleep 0.02; done; echo null"]
                protocol: exec
                timeout: 60s
                instances: { max: 1 }
                queue: { wait: 1s }
            routes: [{ path: /slow, function: slow }]
            """
        try withGateway(yaml) { gateway throws in
            let first = try gateway.connect()
            try first.request("GET /slow")
            try Deadline.wait(for: "the first one") { gateway.folder.has("started") }
            #expect(try gateway.answer("GET /slow").status == 503)
            let line = try gateway.waitForAccessLog(1)[0]
            let queue = try #require(line.split(separator: " ").first { $0.hasPrefix("queue=") })
            #expect(try #require(Double(queue.dropFirst(6).dropLast(2))) >= 1000, "\(line)")
            #expect(!line.contains(" run="), "\(line)")
            try gateway.folder.write("gate", "")
            #expect(try first.response().status == 200)
        }
    }

    @Test func `upstreams are counted`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.respond("201 Created", "ok")
            _ = try connection.request()
        }
        let yaml = """
            upstreams:
              service: { endpoints: ["\(upstream.url)"] }
              nobody: { endpoints: ["http://127.0.0.1:1"] }
            routes:
              - { path: /service, upstream: service }
              - { path: /nobody, upstream: nobody }
            """
        try withGateway("loops: 1\n" + Self.admin + yaml) { gateway throws in
            _ = try gateway.answer("GET /service")
            _ = try gateway.answer("GET /service")
            _ = try gateway.answer("GET /nobody")
            let samples = try self.samples(gateway)
            let expected = [
                "counter penstock_upstream_requests_total status=201,upstream=service 2.0",
                "counter penstock_upstream_connects_total upstream=service 2.0",
                "counter penstock_upstream_retries_total upstream=service 1.0",
                "counter penstock_upstream_errors_total reason=closed,upstream=service 1.0",
                "gauge penstock_upstream_connections state=busy,upstream=service 0.0",
                "gauge penstock_upstream_connections state=idle,upstream=service 1.0",
                "gauge penstock_http_requests_in_flight listener=public 0.0",
                "counter penstock_upstream_connect_errors_total reason=failed,upstream=nobody 3.0",
            ]
            expect(expected, in: samples)
        }
    }

    @Test func `a function that is gone has no instances`() throws {
        let functions = "functions: { gone: { handler: gone.py:handle, instances: { min: 1 } } }\n"
        let route = "routes: [{ path: /, function: gone }]"
        let folder = try TemporaryFolder()
        try folder.write("gone.py", "def handle(event, context): return 'hi'\n")
        try withGateway(Self.admin + functions + route, folder: folder) { gateway throws in
            func instances() throws -> [String] {
                try samples(gateway).filter { $0.hasPrefix("gauge penstock_function_instances function=gone") }
            }
            #expect(try gateway.answer("GET /").text == "hi")
            #expect(try instances().contains("gauge penstock_function_instances function=gone,state=idle 1.0"))
            #expect(try gateway.reload(Self.admin + Self.routes))
            try Deadline.wait(for: "its instance to be gone") { try instances().allSatisfy { $0.hasSuffix(" 0.0") } }
        }
    }

    @Test func `the access log is text by default`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            access_log: { to: stdout }
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - { name: home, path: /, respond: { body: "home" } }
              - { name: proxied, path: "/service/{rest*}", upstream: service }
            """
        try withGateway(yaml) { gateway throws in
            let first = try gateway.answer("GET /?a=1")
            #expect(
                try gateway.waitForAccessLog(1)[0].contains(#" \#(Loopback.address) "GET /?a=1 HTTP/1.1" 200 4B "#),
                "\(gateway.accessLog)"
            )
            #expect(
                gateway.accessLog[0].hasSuffix(
                    #" respond route="home" listener=public id=\#(first["x-request-id"] ?? "")"#
                )
            )
            _ = try gateway.answer("POST /service/\nContent-Length: 5\n\nabcde")
            let second = try gateway.waitForAccessLog(2)[1]
            #expect(second.contains(" upstream=service run="), "\(second)")
            #expect(second.contains(" received=5B route=\"proxied\""), "\(second)")
            _ = try gateway.answer("HEAD /")
            #expect(try gateway.waitForAccessLog(3)[2].contains(" 200 0B "))
            _ = try gateway.answer("GET /missing")
            #expect(try gateway.waitForAccessLog(4)[3].contains(" 404 "))
            let client = try gateway.connect()
            try client.send("GET /\u{1B}[31m HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.response().status == 400)
            let last = try gateway.waitForAccessLog(5)[4]
            #expect(last.contains(" 400 ") && !last.contains("\u{1B}"), "\(last)")
        }
    }

    private static let checker = """
        import json, sys
        for line in sys.stdin:
            entry = json.loads(line)
            print(entry["method"], entry["path"], entry["query"], entry["status"], entry["sent_bytes"],
                  entry["received_bytes"], entry["listener"], entry["route"], entry["target"],
                  entry.get("target_name"), entry["client"], len(entry["request_id"]), entry["duration_seconds"] >= 0)
        """

    @Test func `the access log is JSON by choice`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            access_log: { to: stdout, format: json }
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - { name: "say \\"hi\\"", path: "/{rest*}", upstream: service }
            """
        try withGateway(yaml) { gateway throws in
            _ = try gateway.answer("GET /a%22b?q=%22\"<ä>")
            _ = try gateway.answer("POST /c\nContent-Length: 2\n\nhi")
            let lines = try gateway.waitForAccessLog(2)
            let outcome = try ChildProcess.run(["python3", "-c", Self.checker], input: lines.joined(separator: "\n"))
            #expect(outcome.errors == "")
            // Two loops write in no order.
            let printed = outcome.output.split(separator: "\n").map(String.init)
            #expect(printed.count == 2)
            #expect(printed.contains("POST /c  200 2 2 public say \"hi\" upstream service \(Loopback.address) 36 True"))
        }
    }

    @Test func `a log file may be rotated`() throws {
        let yaml = "access_log: { to: access.log }\n" + Self.routes
        try withGateway(yaml) { gateway throws in
            _ = try gateway.answer("GET /users/first")
            try Deadline.wait(for: "the first line") { gateway.folder.read("access.log").contains("/users/first") }
            #expect(rename("\(gateway.folder.path)/access.log", "\(gateway.folder.path)/access.log.1") == 0)
            _ = try gateway.answer("GET /users/second")
            #expect(try gateway.reload())
            _ = try gateway.answer("GET /users/third")
            try Deadline.wait(for: "the third line") { gateway.folder.read("access.log").contains("/users/third") }
            let old = gateway.folder.read("access.log.1")
            #expect(old.contains("/users/first") && old.contains("/users/second") && !old.contains("/users/third"))
            #expect(!gateway.folder.read("access.log").contains("/users/second"))
            var info = stat()
            #expect(stat("\(gateway.folder.path)/access.log", &info) == 0 && info.st_mode & 0o027 == 0)
        }
    }

    @Test func `request ids are unique`() throws {
        try withGateway(Self.routes) { gateway throws in
            let client = try gateway.connect()
            var seen: Set<String> = []
            for _ in 0..<500 { seen.insert(try client.answer("GET /")["x-request-id"] ?? "") }
            #expect(seen.count == 500)
            #expect(seen.allSatisfy { $0.utf8.count == 36 && Array($0.utf8)[14] == 0x34 })
        }
    }
}
