import TestSupport
import Testing

/// Reloads: instances stay when settings and files do, and nobody notices when they do not.
@Suite("40 Reload of functions", .wholeProcess)
struct FunctionReloadTests {
    private static func source(
        _ runtime: FunctionRuntime,
        _ version: String = "one",
        settings: String = ""
    ) -> FunctionSource {
        let code = runtime == .lines ? "print('\"\(version)\"')" : "return '\(version)'"
        return FunctionSource(runtime, code, settings: settings)
    }

    @Test(arguments: [FunctionRuntime.python, .node, .lines])
    func `an unchanged function keeps its instances`(_ runtime: FunctionRuntime) throws {
        try withFunctions(Self.source(runtime)) { gateway throws in
            let pid = try gateway.instance()
            let more = "timeouts: { idle: 30s }"
            for yaml in [nil, serving([Self.source(runtime)], more: more), serving([Self.source(runtime)])] {
                #expect(try gateway.reload(yaml))
                #expect(try gateway.instance() == pid)
            }
            // A configuration that is refused leaves them alone too.
            #expect(try !gateway.reload(serving([Self.source(runtime, settings: "timeout: never")])))
            #expect(try gateway.instance() == pid)
        }
    }

    @Test(arguments: [FunctionRuntime.python, .node, .lines])
    func `another file is another function`(_ runtime: FunctionRuntime) throws {
        try withFunctions(Self.source(runtime)) { gateway throws in
            let pid = try gateway.instance()
            try Self.source(runtime, "another").write(to: gateway.folder)
            #expect(try gateway.text("/") == "one")
            #expect(try gateway.reload())
            #expect(try gateway.text("/") == "another")
            #expect(try gateway.instance() != pid)
            try Processes.waitForEnd(of: [pid])
        }
    }

    @Test func `another module in its folder, and another setting, are another function`() throws {
        let function = FunctionSource(.python, "import words; return words.greeting")
        try withFunctions(function) { gateway throws in
            try gateway.folder.write("function/words.py", "greeting = 'Hello'")
            #expect(try gateway.text("/") == "Hello")
            try gateway.folder.write("function/words.py", "greeting = 'Good morning'")
            #expect(try gateway.reload())
            #expect(try gateway.text("/") == "Good morning")
            let pid = try gateway.instance()
            let changed = FunctionSource(
                .python,
                "import words; return words.greeting",
                settings: "environment: { A: b }"
            )
            #expect(try gateway.reload(serving([changed])))
            #expect(try gateway.instance() != pid)
        }
    }

    @Test func `only the function that changed starts again`() throws {
        let one = FunctionSource(.python, "return 'one'", name: "one")
        let two = FunctionSource(.python, "return 'two'", name: "two")
        try withFunctions(one, two) { gateway throws in
            let pids = try ["/one/pid", "/two/pid"].map { try gateway.instance($0) }
            try FunctionSource(.python, "return 'changed'", name: "two").write(to: gateway.folder)
            #expect(try gateway.reload())
            #expect(try gateway.instance("/one/pid") == pids[0])
            #expect(try gateway.text("/two/") == "changed")
            #expect(try gateway.instance("/two/pid") != pids[1])
        }
    }

    @Test func `what runs and what waits is answered by the old one`() throws {
        let code = """
            open(FOLDER + "/begun", "w").close()
            while not os.path.exists(FOLDER + "/gate"): time.sleep(0.005)
            return "old"
            """
        let old = FunctionSource(.python, code, settings: "instances: { max: 1 }")
        try withFunctions(old, more: "admin: { address: \"\(Loopback.listener)\" }") { gateway throws in
            let pid = try gateway.instance()
            let clients = try (0..<3).map { _ in
                let client = try gateway.connect()
                try client.request("GET /")
                return client
            }
            try Deadline.wait(for: "the queue") { try gateway.folder.has("begun") && gateway.waiting() == 2 }
            try Self.source(.python, "new").write(to: gateway.folder)
            #expect(try gateway.reload())
            #expect(try gateway.text("/") == "new")
            #expect(Processes.isRunning(pid))
            try gateway.folder.write("gate", "")
            for client in clients { #expect(try client.response().text == "old") }
            try Processes.waitForEnd(of: [pid])
            #expect(try clients[0].answer("GET /").text == "new")
        }
    }

    @Test func `reloads of changing functions under load lose no request`() throws {
        try withFunctions(Self.source(.python, "0"), Self.named("node", .node, "0")) { gateway throws in
            let load = Load(try gateway.address(), asking: ["/function/", "/node/"]) { _, answer in
                answer.status == 200 && Int(answer.text) != nil
            }
            for version in 1...10 {
                try load.wait(for: 20)
                try Self.source(.python, "\(version)").write(to: gateway.folder)
                if version % 3 == 0 { try Self.named("node", .node, "\(version)").write(to: gateway.folder) }
                #expect(try gateway.reload())
            }
            try load.wait(for: 20)
            let (_, failures) = load.stop()
            #expect(failures == [])
            #expect(try gateway.text("/function/") == "10")
            #expect(try gateway.text("/node/") == "9")
            // One instance after the other ended: few are left.
            try Deadline.wait(for: "the old ones to end") {
                try Processes.descendants(of: gateway.spawner()).count <= 8
            }
        }
    }

    private static func named(_ name: String, _ runtime: FunctionRuntime, _ version: String) -> FunctionSource {
        FunctionSource(runtime, "return '\(version)'", name: name)
    }
}
