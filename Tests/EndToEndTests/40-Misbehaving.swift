import Glibc
import TestSupport
import Testing

/// Functions that do what they should not, and processes that are killed: nothing stays behind, nobody else suffers.
@Suite("40 Misbehaving functions", .wholeProcess)
struct MisbehavingFunctionTests {
    /// Starts a child and a grandchild, each in a session of its own, and answers both process ids.
    private static let forks = """
        from_child, to_parent = os.pipe()
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                os.write(to_parent, str(os.getpid()).encode())
                while True: time.sleep(1000)
            while True: time.sleep(1000)
        pids = f"{child} {os.read(from_child, 100).decode()} {subprocess.Popen(['sleep', '1000']).pid}"
        """

    private static func pids(_ text: String) -> [Int32] { text.split(separator: " ").compactMap { Int32($0) } }

    @Test func `what a function starts runs on behind its answer, and ends with its instance`() throws {
        let code = """
            if event["rawPath"] == "/exit": os._exit(0)
            \(Self.forks)
            return pids
            """
        try withFunctions(FunctionSource(.python, code)) { gateway throws in
            let instance = try gateway.instance()
            let children = Self.pids(try gateway.text("/"))
            #expect(children.count == 3)
            #expect(try gateway.instance() == instance)
            #expect(children.allSatisfy(Processes.isRunning))
            #expect(try gateway.answer("GET /exit").status == 502)
            try Processes.waitForEnd(of: children + [instance])
            #expect(try gateway.instance() != instance)
        }
    }

    @Test(arguments: [FunctionRuntime.python, .lines])
    func `its time ends the whole tree of processes`(_ runtime: FunctionRuntime) throws {
        let code = """
            \(Self.forks)
            open(FOLDER + "/pids", "w").write(pids)
            while True: time.sleep(1000)
            """
        try withFunctions(FunctionSource(runtime, code, settings: "timeout: 2s")) { gateway throws in
            let instance = try gateway.instance()
            #expect(try gateway.answer("GET /").status == 504)
            let children = Self.pids(gateway.folder.read("pids"))
            #expect(children.count == 3)
            try Processes.waitForEnd(of: children + [instance])
            let spawner = try gateway.spawner()
            try Deadline.wait(for: "the end of all but the spawner") {
                Processes.descendants(of: gateway.process.pid) == [spawner]
            }
            #expect(try gateway.instance() != instance)
        }
    }

    @Test func `a child of a function answers nothing for it`() throws {
        let code = """
            if os.fork() == 0:
                return "from the child"
            return "from the parent"
            """
        try withFunctions(FunctionSource(.python, code)) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<20 { #expect(try client.answer("GET /").text == "from the parent") }
        }
    }

    @Test func `instances that are killed under load fail only what ran on them`() throws {
        let instances = "instances: { max: 2 }, queue: { length: 100, wait: 60s }"
        let victim = FunctionSource(.python, "time.sleep(0.002); return 'good'", name: "victim", settings: instances)
        let other = FunctionSource(.node, "return 'good'", name: "other", settings: instances)
        try withFunctions(victim, other) { gateway throws in
            let address = try gateway.address()
            let bystanders = Load(address, asking: ["/other/"]) { _, answer in answer.text == "good" }
            let load = Load(address, asking: ["/victim/"]) { _, answer in answer.text == "good" }
            let kills = 15
            for _ in 0..<kills {
                try load.wait(for: 20)
                kill(try gateway.instance("/victim/pid"), SIGKILL)
            }
            try load.wait(for: 20)
            let (_, failures) = load.stop()
            #expect(failures.count <= kills)
            #expect(failures.allSatisfy { $0.hasPrefix("HTTP/1.1 502 ") }, "\(failures)")
            try bystanders.wait(for: 1)
            #expect(bystanders.stop().failures == [])
        }
    }

    @Test func `a spawner that is killed comes back, and takes what it had started with it`() throws {
        let settings = "instances: { min: 1, max: 2 }"
        let code = """
            \(Self.forks)
            return pids
            """
        let good = FunctionSource(.python, "return 'good'", name: "good", settings: settings)
        let forking = FunctionSource(.python, code, name: "forking", settings: settings)
        try withFunctions(good, forking) { gateway throws in
            for _ in 0..<2 {
                let children = Self.pids(try gateway.text("/forking/"))
                let instances = try ["/good/pid", "/forking/pid"].map { try gateway.instance($0) }
                let load = Load(try gateway.address(), asking: ["/good/"]) { _, answer in answer.text == "good" }
                try load.wait(for: 50)
                let spawner = try gateway.spawner()
                kill(spawner, SIGKILL)
                try Processes.waitForEnd(of: [spawner] + children + instances)
                try load.wait(for: 50)
                let (_, failures) = load.stop()
                // At most two instances were at work.
                #expect(failures.count <= 2 && failures.allSatisfy { $0.hasPrefix("HTTP/1.1 502 ") }, "\(failures)")
                #expect(try gateway.spawner() != spawner)
                #expect(try !instances.contains(gateway.instance("/good/pid")))
            }
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM])
    func `no worker outlives the gateway`(_ signal: Int32) throws {
        let settings = "instances: { min: 2 }"
        let code = """
            \(Self.forks)
            return pids
            """
        let functions = [
            FunctionSource(.python, code, name: "forking", settings: settings),
            FunctionSource(.node, "return 'x'", name: "node", settings: settings),
            FunctionSource(.lines, "time.sleep(1000)", name: "busy", settings: "timeout: 10m, " + settings),
        ]
        try withFunctions(functions[0], functions[1], functions[2], more: "drain: 300ms") { gateway throws in
            let children = Self.pids(try gateway.text("/forking/"))
            #expect(try gateway.text("/node/") == "x")
            _ = try gateway.instance("/busy/pid")
            let busy = try gateway.connect()
            try busy.request("GET /busy/")
            let workers = Processes.descendants(of: gateway.process.pid)
            #expect(workers.count >= 7 && children.allSatisfy(workers.contains))
            gateway.process.signal(signal)
            _ = try gateway.process.waitForExit()
            try Processes.waitForEnd(of: workers)
        }
    }

    @Test func `without memory for a worker its requests are 502, others are answered, and it comes back`() throws {
        let good = FunctionSource(.python, "return 'good'", name: "good", settings: "instances: { min: 1 }")
        let starting = FunctionSource(.python, "return 'here'", name: "starting")
        try withFunctions(good, starting) { gateway throws in
            #expect(try gateway.text("/good/") == "good")
            let spawner = try gateway.spawner()
            func limitMemory(_ size: String) throws {
                let outcome = try ChildProcess.run(["prlimit", "--pid", "\(spawner)", "--as=\(size):"])
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            try limitMemory("1000000")
            for _ in 0..<3 { #expect(try gateway.answer("GET /starting/").status == 502) }
            try gateway.waitForLog("[ERROR] Runtime.ExitError")
            #expect(gateway.log.contains(" starting["), "\(gateway.log)")
            #expect(try gateway.text("/good/") == "good")
            try limitMemory("unlimited")
            try Deadline.wait(for: "the function") { try gateway.answer("GET /starting/").text == "here" }
            #expect(try gateway.spawner() == spawner)
        }
    }

    @Test func `a slow reader holds no instance`() throws {
        let code = "return 'x' * 5_000_000 if event['rawPath'] == '/large' else 'small'"
        try withFunctions(FunctionSource(.python, code, settings: "instances: { max: 1 }"), more: "loops: 1") {
            gateway throws in
            let slow = try (0..<5).map { _ in
                let client = try gateway.connect(receiveBuffer: 4096)
                try client.request("GET /large")
                return client
            }
            for client in slow { #expect(try client.head(Deadline())["content-length"] == "5000000") }
            #expect(try gateway.text("/small") == "small")
            for client in slow { #expect(try client.skip(5_000_000)) }
        }
    }
}
