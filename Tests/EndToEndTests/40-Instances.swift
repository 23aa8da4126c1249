import Glibc
import TestSupport
import Testing

/// How many instances there are, and who waits for one.
@Suite("40 Instances and queues", .wholeProcess)
struct InstanceTests {
    private static let admin = "admin: { address: \"\(Loopback.listener)\" }"

    /// Waits for a file called as its path in the gateway's folder, then answers with the number of the event.
    private static let gated = """
        global count
        count = globals().get("count", 0) + 1
        number = count
        while not os.path.exists(FOLDER + event["rawPath"]): time.sleep(0.005)
        return str(number)
        """

    @Test func `the minimum is there before it is asked for, the maximum when it is needed, the rest ends when idle`()
        throws
    {
        let settings = "instances: { min: 1, max: 3, idle: 300ms }"
        let code = "while not os.path.exists(FOLDER + '/start'): time.sleep(0.005)"
        let function = FunctionSource(.python, Self.gated, settings: settings)
        // It is ready only when the test says so.
        let program = function.program.split(separator: "def handler").joined(separator: "\(code)\ndef handler")
        let slow = FunctionSource(.python, program: program, settings: settings)
        try withFunctions(slow, more: Self.admin) { gateway throws in
            #expect(try gateway.answer("GET /readyz", listener: "admin").status == 503)
            #expect(try gateway.answer("GET /healthz", listener: "admin").status == 200)
            #expect(try gateway.instances("starting") == 1)
            try gateway.folder.write("start", "")
            try Deadline.wait(for: "readiness") { try gateway.answer("GET /readyz", listener: "admin").status == 200 }
            #expect(try gateway.instances("idle") == 1)
            _ = try gateway.instance()
            let clients = try (0..<5).map { _ in
                let client = try gateway.connect()
                try client.request("GET /gate")
                return client
            }
            try Deadline.wait(for: "three instances, and two who wait") {
                try gateway.instances("busy") == 3 && gateway.waiting() == 2
            }
            #expect(try gateway.metric("penstock_function_cold_starts_total{function=\"function\"}") == 3)
            try gateway.folder.write("gate", "")
            for client in clients { #expect(try client.response().status == 200) }
            let spawner = try gateway.spawner()
            try Deadline.wait(for: "the idle ones to end") { Processes.descendants(of: spawner).count == 1 }
            #expect(try gateway.instances("idle") == 1)
            #expect(try gateway.instances("busy") == 0)
            #expect(try gateway.metric("penstock_function_invocations_total{function=\"function\"}") == 6)
            #expect(!gateway.log.contains("[ERROR]"), "\(gateway.log)")
        }
    }

    @Test func `instances that the gateway ends are no errors`() throws {
        let settings = "instances: { min: 2 }"
        let functions = [
            FunctionSource(.python, "return 'x'", name: "python", settings: settings),
            FunctionSource(.node, "return 'x'", name: "node", settings: settings),
            FunctionSource(.lines, "print('1')", name: "lines", settings: settings),
        ]
        try withFunctions(functions[0], functions[1], functions[2]) { gateway throws in
            for name in ["python", "node", "lines"] { _ = try gateway.instance("/\(name)/pid") }
            #expect(try gateway.reload(serving(Array(functions[..<2]))))
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            #expect(!gateway.log.contains("[ERROR]"), "\(gateway.log)")
        }
    }

    @Test func `the queue is bounded, and first come is first served`() throws {
        let settings = "instances: { max: 1 }, queue: { length: 3, wait: 60s }"
        let log = "access_log: { to: stdout }"
        try withFunctions(
            FunctionSource(.python, Self.gated, settings: settings),
            more: "\(Self.admin)\n\(log)"
        ) { gateway throws in
            _ = try gateway.instance()
            var clients: [RawClient] = []
            for number in 0..<4 {
                let client = try gateway.connect()
                try client.request("GET /gate")
                clients.append(client)
                try Deadline.wait(for: "request \(number)") {
                    try gateway.instances("busy") == 1 && gateway.waiting() == number
                }
            }
            let client = try gateway.connect()
            for _ in 0..<3 {
                let answer = try client.answer("GET /gate")
                let id = try #require(answer["x-request-id"])
                #expect(answer.status == 503)
                #expect(answer["retry-after"] == "1")
                #expect(answer.text == "{\"message\":\"Service Unavailable\",\"requestId\":\"\(id)\"}\n")
                #expect(!answer.closes)
                #expect(try gateway.accessLine(of: id).contains("error=\"gateway: Gateway.QueueFull: "))
            }
            try gateway.folder.write("gate", "")
            #expect(try clients.map { try $0.response().text } == ["1", "2", "3", "4"])
            let throttles = "penstock_function_throttles_total{function=\"function\",reason=\"queue_full\"}"
            #expect(try gateway.metric(throttles) == 3)
        }
    }

    @Test func `who waits longer than queue.wait is told so, and is not run`() throws {
        let settings = "instances: { max: 1 }, queue: { length: 8, wait: 250ms }"
        let log = "access_log: { to: stdout }"
        try withFunctions(
            FunctionSource(.python, Self.gated, settings: settings),
            more: "\(Self.admin)\n\(log)"
        ) { gateway throws in
            _ = try gateway.instance()
            let busy = try gateway.connect()
            try busy.request("GET /gate")
            try Deadline.wait(for: "the function") { try gateway.instances("busy") == 1 }
            let client = try gateway.connect()
            let begin = Deadline.now
            let answer = try client.answer("GET /gate")
            #expect(Deadline.now - begin > 0.24)
            #expect(answer.status == 503)
            #expect(answer["retry-after"] == "1")
            let id = try #require(answer["x-request-id"])
            #expect(try gateway.accessLine(of: id).contains("error=\"gateway: Gateway.QueueTimeout: "))
            #expect(try gateway.waiting() == 0)
            try gateway.folder.write("gate", "")
            #expect(try busy.response().text == "1")
            #expect(try client.answer("GET /gate").text == "2")
        }
    }

    @Test func `a slow function stops no other, on one loop too`() throws {
        let settings = "instances: { max: 2 }, queue: { length: 20, wait: 60s }"
        let slow = FunctionSource(.python, Self.gated, name: "slow", settings: settings)
        let fast = FunctionSource(.python, "return 'fast'", name: "fast", settings: "instances: { min: 1 }")
        try withFunctions(slow, fast, more: "loops: 1\n\(Self.admin)") { gateway throws in
            let waiting = try (0..<20).map { _ in
                let client = try gateway.connect()
                try client.request("GET /slow/gate")
                return client
            }
            try Deadline.wait(for: "a full function") { try gateway.waiting(for: "slow") == 18 }
            let client = try gateway.connect()
            for _ in 0..<200 { #expect(try client.answer("GET /fast/").text == "fast") }
            #expect(try gateway.waiting(for: "slow") == 18)
            try gateway.folder.write("gate", "")
            for client in waiting { #expect(try client.response().status == 200) }
        }
    }

    @Test func `the route's time ends the wait, not the function`() throws {
        let function = FunctionSource(.python, Self.gated, settings: "instances: { max: 1 }")
        let folder = try TemporaryFolder()
        try function.write(to: folder)
        let yaml = """
            \(Self.admin)
            functions:
            \(function.entry)
            routes:
              - { path: /pid, function: function }
              - { path: /gate, function: function, timeout: 300ms }
            """
        try withGateway(yaml, folder: folder) { gateway throws in
            let pid = try gateway.instance()
            let answer = try gateway.answer("GET /gate")
            #expect(answer.status == 504)
            #expect(answer.text.hasPrefix("{\"message\":\""))
            #expect(try gateway.instances("busy") == 1)
            try gateway.folder.write("gate", "")
            #expect(try gateway.instance() == pid)
        }
    }
}
