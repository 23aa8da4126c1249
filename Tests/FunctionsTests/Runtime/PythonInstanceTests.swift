import Glibc
import PenstockFunctions
import PenstockSystem
import TestSupport
import Testing

@Suite("Python functions in their processes")
struct PythonInstanceTests {
    private static let handlers = """
        import os, sys, json
        def handler(event, context):
            return globals()[event["case"]](event, context)
        def hello(event, context): return {"statusCode": 200, "body": "Hello"}
        def large(event, context): return {"statusCode": 200, "body": "x" * event["size"]}
        def echo(event, context): return event
        def pid(event, context): return str(os.getpid())
        def prints(event, context):
            print("printed"); sys.stderr.write("to stderr\\n"); sys.stdout.write("no line end")
            return "x"
        def sleeps(event, context):
            import time
            time.sleep(event["seconds"])
            return str(os.getpid())
        def raises(event, context): raise ValueError("boom")
        def unserializable(event, context): return object()
        def nan(event, context): return {"x": float("nan")}
        def status(event, context): return {"statusCode": event["value"], "body": "b"}
        def object_body(event, context): return {"statusCode": 200, "body": {"a": 1}}
        def exits(event, context): sys.exit(event["status"])
        def exits_hard(event, context): os._exit(5)
        def crashes(event, context): os.kill(os.getpid(), 11)
        def recurses(event, context): return recurses(event, context)
        def garbage(event, context):
            fd = max(int(n) for n in os.listdir("/proc/self/fd"))
            os.write(fd, b"this is no frame at all, is it?")
            import time; time.sleep(60)
        def forges(event, context):
            fd = max(int(n) for n in os.listdir("/proc/self/fd"))
            os.write(fd, bytes([0,0,0,20,3,0,0,0, 0,0,0,0,0,0,9,9, 0,200,0,0,0,0, 65,66]))
            import time; time.sleep(60)
        def part_then_exit(event, context):
            fd = max(int(n) for n in os.listdir("/proc/self/fd"))
            os.write(fd, b"\\0\\0\\1")
            os._exit(0)
        def closes(event, context):
            os.closerange(64, 600)
            import time; time.sleep(60)
        def leaves_children(event, context):
            import subprocess, time
            child = subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    open(event["file"] + ".new", "w").write(f"{child.pid} {os.getpid()}")
                    os.rename(event["file"] + ".new", event["file"])
                    time.sleep(1000)
                os._exit(0)
            os.wait3(0)
            while not os.path.exists(event["file"]): time.sleep(0.01)
            time.sleep(event["seconds"])
            return "x"
        """

    @Test
    func `a reply comes with its status, fields and body`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(Self.handlers))
        let outcome = await bench.call(pool, #"{"case": "hello"}"#)
        let expected = Outcome.reply(200, fields: "content-type: application/json\r\n", body: Array("Hello".utf8))
        #expect(outcome == expected)
        #expect(pool.statistics.alive == 1)
        #expect(
            await bench.call(pool, #"{"case": "echo", "a": "é"}"#, raw: true) == .result(#"{"case": "echo", "a": "é"}"#)
        )
    }

    @Test(arguments: [1, 65_000, 66_000, 300_000, 5_000_000])
    func `replies of every size arrive whole`(_ size: Int) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(Self.handlers))
        for _ in 0..<3 {
            let outcome = await bench.call(pool, #"{"case": "large", "size": \#(size)}"#)
            guard case .reply(200, _, let body) = outcome else {
                Issue.record("no reply: \(outcome.error?.message ?? "")")
                return
            }
            #expect(body.count == size && body.allSatisfy { $0 == 0x78 })
        }
        let event = #"{"case": "large", "size": 3, "filler": "\#(String(repeating: "y", count: size))"}"#
        #expect(await bench.call(pool, event).body == "xxx")
    }

    @Test(arguments: Failure.cases)
    func `every row of the failure table`(_ row: Failure) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.handlers)
        if row.limits { settings.timeout = 300_000_000 }
        let pool = bench.pool(settings)
        let first = await bench.call(pool, #"{"case": "pid"}"#).body
        let outcome = await bench.call(pool, row.event, requestID: "r-2")
        let error = try #require(outcome.error, "\(outcome)")
        #expect(error.kind == row.kind)
        #expect(error.type == row.type)
        #expect(error.message.contains(row.message), "\(error.message)")
        let second = await bench.call(pool, #"{"case": "pid"}"#).body
        #expect(second != nil)
        #expect((first == second) == row.survives)
    }

    @Test
    func `a status of digits is a status, and results without one are bodies`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(Self.handlers))
        #expect(await bench.call(pool, #"{"case": "status", "value": "201"}"#).status == 201)
        #expect(await bench.call(pool, #"{"case": "echo", "counter": 1}"#).body == #"{"case": "echo", "counter": 1}"#)
    }

    @Test
    func `what is printed carries the request's id, the last word before the reply too`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python("print('at import')\n" + Self.handlers))
        for number in 1...3 { _ = await bench.call(pool, #"{"case": "prints"}"#, requestID: "r-\(number)") }
        let expected = (1...3).flatMap { ["r-\($0)|printed", "r-\($0)|to stderr", "r-\($0)|no line end"] }
        #expect(bench.lines.all.filter { !$0.hasSuffix("at import") } == expected)
        #expect(bench.lines.all.contains { $0.hasSuffix("|at import") })
    }

    @Test(arguments: ["seconds\": 60", "seconds\": 0"])
    func `whatever a handler started ends with its instance`(_ seconds: String) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.handlers)
        settings.timeout = 2_000_000_000
        let pool = bench.pool(settings)
        let file = "\(bench.folder)/pids"
        let outcome = await bench.call(pool, "{\"case\": \"leaves_children\", \"file\": \"\(file)\", \"\(seconds)}")
        #expect((outcome.error?.kind == .timedOut) == seconds.hasSuffix("60"))
        if outcome.error == nil { _ = await bench.call(pool, #"{"case": "exits_hard"}"#) }
        let pids = bench.read(file).split(separator: " ").compactMap { Int32($0) }
        #expect(pids.count == 2)
        await eventually("both children are gone") { pids.allSatisfy { !isRunning($0) } }
    }

    @Test(arguments: [
        ("import nothere", "Runtime.ImportModuleError", "Unable to import module 'handler': No module named 'nothere'"),
        ("def other(): pass", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'handler'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'handler'"),
        ("raise RuntimeError('at import')", "RuntimeError", "at import"),
        ("import sys; sys.exit(4)", "Runtime.ExitError", "exit status 4"),
        ("import os; os.kill(os.getpid(), 9)", "Runtime.ExitError", "signal: killed"),
    ])
    func `a function that cannot start fails those who wait, and is left alone for a while`(
        _ text: String,
        _ type: String,
        _ message: String
    ) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(text))
        let begin = MonotonicClock.now()
        async let other = bench.call(pool, on: 1)
        let error = try #require(await bench.call(pool).error)
        #expect(error.kind == .start && error.type == type)
        #expect(error.message.contains(message), "\(error.message)")
        #expect(await other.error?.type == type)
        for _ in 0..<20 { #expect(await bench.call(pool).error?.type == type) }
        // The n-th pause is 0.1 s * 2^n; one start for each of the two loops may come before a failure is known.
        let pauses = log2(Double(MonotonicClock.now() - begin) / 1e8 + 1)
        #expect(Double(pool.statistics.started) <= 2 * (pauses + 2))
    }

    @Test
    func `an instance that is never ready is ended by init_timeout`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python("import time; time.sleep(60)")
        settings.initTimeout = 300_000_000
        let pool = bench.pool(settings)
        let error = try #require(await bench.call(pool).error)
        #expect(error.kind == .start && error.type == "Sandbox.Timedout")
        await eventually("it is gone") { pool.statistics.alive == 0 }
    }

    @Test
    func `memory is limited, and an event that needs more fails alone`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(
            """
            import os, resource
            def handler(event, context):
                if event.get("files"): return resource.getrlimit(resource.RLIMIT_NOFILE) + resource.getrlimit(resource.RLIMIT_CORE)
                if event.get("large"): return len(bytearray(1 << 30))
                return str(os.getpid())
            """
        )
        settings.memory = 256 << 20
        let pool = bench.pool(settings)
        let pid = await bench.call(pool).body
        #expect(await bench.call(pool, #"{"large": true}"#).error?.type == "MemoryError")
        #expect(await bench.call(pool).body == pid)
        #expect(await bench.call(pool, #"{"files": true}"#).body?.hasSuffix(", 0, 0]") == true)
    }

    @Test
    func `modules are looked for in the directory, then beside the handler`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        for folder in ["src", "lib"] { _ = bench.write("\(folder)/both.py", "name = '\(folder)'") }
        _ = bench.write("src/beside.py", "name = 'beside'")
        let text = "import both, beside\ndef handler(event, context): return both.name + ' ' + beside.name"
        var settings = bench.python(text, name: "src/handler.py")
        settings.directory = "\(bench.folder)/lib"
        #expect(await bench.call(bench.pool(settings)).body == "lib beside")
    }

    @Test(arguments: [(-30, false), (60, true)])
    func `code that changes within a second is seen, and code that rests is compiled once`(
        _ age: Int,
        _ isKept: Bool
    ) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let now = Int(MonotonicClock.wallNanoseconds() / 1_000_000_000)
        for (word, seconds) in [("old", now - age), ("new", isKept ? now : now - age)] {
            let settings = bench.python("def handler(event, context): return '\(word)'")
            var times = [timeval(tv_sec: seconds, tv_usec: 0), timeval(tv_sec: seconds, tv_usec: 0)]
            #expect(utimes("\(bench.folder)/handler.py", &times) == 0)
            #expect(await bench.call(bench.pool(settings)).body == word)
            #expect(bench.files().contains("__pycache__") == isKept)
        }
    }

    @Test
    func `an interpreter that is not there is named`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.handlers)
        settings.program = .python(
            interpreter: "/nowhere/python3",
            file: "\(bench.folder)/handler.py",
            function: "handler"
        )
        let error = try #require(await bench.call(bench.pool(settings)).error)
        #expect(error.kind == .start)
        #expect(error.message == "/nowhere/python3: execve: No such file or directory")
    }
}

/// One row of the failure table: an event, what it does, and whether the instance lives on.
struct Failure: Sendable, CustomTestStringConvertible {
    let event: String
    let kind: InvocationError.Kind
    let type: String
    let message: String
    let survives: Bool
    var limits = false
    var testDescription: String { event }

    static let cases: [Failure] = [
        .init(event: #"{"case": "raises"}"#, kind: .function, type: "ValueError", message: "boom", survives: true),
        .init(
            event: #"{"case": "unserializable"}"#,
            kind: .function,
            type: "Runtime.MarshalError",
            message: "Object of type object is not JSON serializable",
            survives: true
        ),
        .init(
            event: #"{"case": "nan"}"#,
            kind: .function,
            type: "Runtime.MarshalError",
            message: "not JSON compliant",
            survives: true
        ),
        .init(
            event: #"{"case": "status", "value": 99}"#,
            kind: .function,
            type: "Runtime.MarshalError",
            message: "from 200 to 599",
            survives: true
        ),
        .init(
            event: #"{"case": "object_body"}"#,
            kind: .function,
            type: "Runtime.MarshalError",
            message: "did you forget json.dumps?",
            survives: true
        ),
        .init(
            event: #"{"case": "large", "size": 10000000}"#,
            kind: .tooLarge,
            type: "Function.ResponseSizeTooLarge",
            message: "(6291456 bytes)",
            survives: true
        ),
        .init(
            event: #"{"case": "recurses"}"#,
            kind: .function,
            type: "RecursionError",
            message: "maximum recursion depth",
            survives: true
        ),
        .init(
            event: #"{"case": "exits", "status": 3}"#,
            kind: .exited,
            type: "Runtime.ExitError",
            message: "RequestId: r-2 Error: Runtime exited with error: exit status 3",
            survives: false
        ),
        .init(
            event: #"{"case": "exits", "status": 0}"#,
            kind: .exited,
            type: "Runtime.ExitError",
            message: "Runtime exited without providing a reason",
            survives: false
        ),
        .init(
            event: #"{"case": "exits_hard"}"#,
            kind: .exited,
            type: "Runtime.ExitError",
            message: "exit status 5",
            survives: false
        ),
        .init(
            event: #"{"case": "crashes"}"#,
            kind: .exited,
            type: "Runtime.ExitError",
            message: "signal: segmentation fault",
            survives: false
        ),
        .init(
            event: #"{"case": "part_then_exit"}"#,
            kind: .exited,
            type: "Runtime.ExitError",
            message: "without providing a reason",
            survives: false
        ),
        .init(
            event: #"{"case": "sleeps", "seconds": 60}"#,
            kind: .timedOut,
            type: "Sandbox.Timedout",
            message: "RequestId: r-2 Error: Task timed out after 0.30 seconds",
            survives: false,
            limits: true
        ),
        .init(
            event: #"{"case": "garbage"}"#,
            kind: .violation,
            type: "Runtime.ProtocolError",
            message: "broke the protocol",
            survives: false
        ),
        .init(
            event: #"{"case": "forges"}"#,
            kind: .violation,
            type: "Runtime.ProtocolError",
            message: "unknownID",
            survives: false
        ),
        .init(
            event: #"{"case": "closes"}"#,
            kind: .violation,
            type: "Runtime.ProtocolError",
            message: "closed its connection",
            survives: false
        ),
    ]
}

/// Whether a process is there and no zombie.
func isRunning(_ pid: Int32) -> Bool {
    let text = TemporaryFolder.contents("/proc/\(pid)/stat")
    guard let end = text.lastIndex(of: ")") else { return false }
    return !text[end...].hasPrefix(") Z")
}
