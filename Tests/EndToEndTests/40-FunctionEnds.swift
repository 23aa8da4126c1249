import Glibc
import TestSupport
import Testing

/// New code that cannot start, the end of the gateway, and a log that says nothing of what is in order.
@Suite("40 Ends of functions", .wholeProcess)
struct FunctionEndTests {
    @Test(arguments: [
        (FunctionRuntime.python, "import nothere", "Runtime.ImportModuleError: Unable to import module 'app'"),
        (.node, "const x = ;", "Runtime.UserCodeSyntaxError"),
    ])
    func `new code that cannot start leaves the old one serving`(
        _ runtime: FunctionRuntime,
        _ broken: String,
        _ reason: String
    ) throws {
        let good = FunctionSource(runtime, "return 'old'")
        try withFunctions(good) { gateway throws in
            let pid = try gateway.instance()
            try FunctionSource(runtime, program: broken).write(to: gateway.folder)
            #expect(try gateway.reload())
            #expect(try gateway.text("/") == "old")
            #expect(try gateway.instance() == pid)
            try gateway.waitForLog("a function's new code cannot start")
            #expect(gateway.log.contains(reason))
            try FunctionSource(runtime, "return 'new'").write(to: gateway.folder)
            #expect(try gateway.reload())
            #expect(try gateway.text("/") == "new")
            try Processes.waitForEnd(of: [pid])
        }
    }

    @Test func `the old code serves until the new one is ready`() throws {
        try withFunctions(FunctionSource(.python, "return 'old'")) { gateway throws in
            #expect(try gateway.text("/") == "old")
            let slow = """
                import os, time
                open("begun", "w").close()
                while not os.path.exists("gate"): time.sleep(0.005)
                def handler(event, context): return "new"
                """
            try FunctionSource(.python, program: slow).write(to: gateway.folder)
            gateway.process.signal(SIGHUP)
            try Deadline.wait(for: "the new code") { gateway.folder.has("function/begun") }
            #expect(try gateway.text("/") == "old")
            try gateway.folder.write("function/gate", "")
            try Deadline.wait(for: "the new code to answer") { try gateway.text("/") == "new" }
        }
    }

    @Test func `a signal is not kept waiting by new code`() throws {
        try withFunctions(FunctionSource(.python, "return 'old'")) { gateway throws in
            #expect(try gateway.text("/") == "old")
            let slow = "open('begun', 'w').close()\nimport time\ntime.sleep(60)"
            try FunctionSource(.python, program: slow).write(to: gateway.folder)
            gateway.process.signal(SIGHUP)
            try Deadline.wait(for: "the new code") { gateway.folder.has("function/begun") }
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            #expect(gateway.log.contains("configuration not reloaded"))
        }
    }

    @Test(arguments: [
        (
            FunctionRuntime.python,
            "import atexit\natexit.register(lambda: open('ended', 'w').close())\ndef handler(e, c): return 'x'"
        ),
        (
            .lines,
            "import sys\nfor line in sys.stdin: print('\"x\"', flush=True)\nopen('ended', 'w').close()"
        ),
    ])
    func `instances are asked to end before the gateway does`(_ runtime: FunctionRuntime, _ program: String) throws {
        try withFunctions(FunctionSource(runtime, program: program)) { gateway throws in
            #expect(try gateway.text("/") == "x")
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            #expect(gateway.folder.has("function/ended"))
            #expect(!gateway.log.contains("[ERROR]"), "\(gateway.log)")
        }
    }

    @Test func `one that does not end in the time of drain is killed`() throws {
        let program = "import atexit, time\natexit.register(time.sleep, 60)\ndef handler(e, c): return 'x'"
        try withFunctions(FunctionSource(.python, program: program), more: "drain: 500ms") { gateway throws in
            #expect(try gateway.text("/") == "x")
            let below = Processes.descendants(of: gateway.process.pid)
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            try Processes.waitForEnd(of: below)
        }
    }

    @Test(arguments: FunctionRuntime.allCases)
    func `a good request leaves no error in the log`(_ runtime: FunctionRuntime) throws {
        let code = runtime == .python || runtime == .node ? "return 'x'" : "print('\"x\"')"
        let settings = "instances: { idle: 100ms }"
        try withFunctions(FunctionSource(runtime, code, settings: settings)) { gateway throws in
            for _ in 0..<3 { #expect(try gateway.text("/") == "x") }
            try Deadline.wait(for: "idle instances to end") {
                try Processes.descendants(of: gateway.spawner()).isEmpty
            }
            #expect(try gateway.text("/") == "x")
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            #expect(!gateway.log.contains("[ERROR]"), "\(gateway.log)")
        }
    }
}
