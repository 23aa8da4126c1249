import TestSupport
import Testing

/// What a client gets when a function fails, what the log says, and what becomes of the instance.
@Suite("40 Failing functions", .wholeProcess)
struct FailingFunctionTests {
    @Test(arguments: FunctionFailure.all)
    func `every row of the failure table`(_ row: FunctionFailure) throws {
        let function = FunctionSource(row.runtime, row.code, settings: row.settings)
        try withFunctions(function, more: "access_log: { to: stdout }") { gateway throws in
            let client = try gateway.connect()
            let before = row.livesOn == nil ? nil : try gateway.instance()
            let answer = try client.answer("GET /")
            let id = try #require(answer["x-request-id"])
            #expect(answer.status == row.status)
            let message = row.status == 504 ? "Endpoint request timed out" : "Internal server error"
            #expect(answer.text == "{\"message\":\"\(message)\",\"requestId\":\"\(id)\"}\n")
            #expect(answer["content-type"] == "application/json")
            #expect(!answer.closes)
            try Deadline.wait(for: "'[ERROR] \(row.log)' of \(id) in\n\(gateway.log)") {
                gateway.lines(request: id).contains { $0.hasPrefix("[ERROR] ") && $0.contains(row.log) }
            }
            let access = try gateway.accessLine(of: id)
            #expect(access.contains(" id=\(id) error=\"function: "), "\(access)")
            guard let before else { return }
            #expect((try gateway.instance() == before) == row.livesOn)
            if row.livesOn == false { try Processes.waitForEnd(of: [before]) }
        }
    }

    @Test(arguments: [
        (FunctionRuntime.python, "import nothere", "Runtime.ImportModuleError: Unable to import module 'app'"),
        (.python, "def other(): pass", "Runtime.HandlerNotFound: Handler 'handler' missing on module 'app'"),
        (.python, "def handler(:", "Runtime.UserCodeSyntaxError: Syntax error in module 'app'"),
        (.python, "import sys; sys.exit(4)", "Runtime.ExitError: Error: Runtime exited with error: exit status 4"),
        (.node, "require('nothere')", "Runtime.ImportModuleError: Unable to import module 'app'"),
        (.node, "exports.other = 1", "Runtime.HandlerNotFound: app.handler is undefined"),
        (
            .node, "\nconst x = ;",
            "Runtime.UserCodeSyntaxError: Syntax error in module 'app': Unexpected token ';' (app.js, line 2)"
        ),
    ])
    func `a function that cannot start fails at once, and is not started in a loop`(
        _ runtime: FunctionRuntime,
        _ program: String,
        _ error: String
    ) throws {
        let good = FunctionSource(.python, "return 'good'", name: "good")
        let bad = FunctionSource(runtime, program: program, name: "bad")
        try withFunctions(bad, good, more: "admin: { address: \"\(Loopback.listener)\" }") { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<30 {
                let answer = try client.answer("GET /bad/")
                #expect(answer.status == 502)
                #expect(answer.text.hasPrefix(#"{"message":"Internal server error","requestId":""#))
            }
            try gateway.waitForLog("[ERROR] \(error)")
            let lines = gateway.lines(of: "bad", request: "-")
            // A pause is twice as long as the one before: far fewer starts than requests.
            let starts = try gateway.metric("penstock_function_cold_starts_total{function=\"bad\"}")
            #expect(starts <= 8)
            #expect(lines.count { $0.hasPrefix("[ERROR] ") } <= Int(starts), "\(lines)")
            #expect(try gateway.text("/good/") == "good")
        }
    }

    @Test func `one that is not ready in time is ended`() throws {
        let settings = "init_timeout: 300ms"
        let slow = FunctionSource(.python, program: "import time; time.sleep(60)", settings: settings)
        try withFunctions(slow) { gateway throws in
            let answer = try gateway.answer("GET /")
            #expect(answer.status == 502)
            try gateway.waitForLog("[ERROR]")
            let lines = gateway.lines(request: "-")
            #expect(lines == ["[ERROR] Sandbox.Timedout: Error: not ready after 0.30 seconds (init_timeout)"])
            try Processes.waitForEnd(of: Processes.descendants(of: gateway.spawner()))
        }
    }

    @Test func `a client that leaves is no reason to stop`() throws {
        let code = """
            if event["rawPath"] == "/slow":
                open(FOLDER + "/begun", "w").close()
                while not os.path.exists(FOLDER + "/gate"): time.sleep(0.01)
                open(FOLDER + "/done", "w").close()
            return event["rawPath"]
            """
        let yaml = "loops: 1\nadmin: { address: \"\(Loopback.listener)\" }"
        let function = FunctionSource(
            .python,
            code,
            settings: "instances: { max: 1 }"
        )
        try withFunctions(function, more: yaml) { gateway throws in
            let pid = try gateway.instance()
            let leaving = try gateway.connect()
            try leaving.request("GET /slow")
            try Deadline.wait(for: "the function") { gateway.folder.has("begun") }
            leaving.reset()
            // One that leaves before its turn has none.
            let waiting = try gateway.connect()
            try waiting.request("GET /second")
            try Deadline.wait(for: "the queue") { try gateway.waiting() == 1 }
            waiting.reset()
            try Deadline.wait(for: "an empty queue") { try gateway.waiting() == 0 }
            let next = try gateway.connect()
            try next.request("GET /next")
            try Deadline.wait(for: "the queue") { try gateway.waiting() == 1 }
            try gateway.folder.write("gate", "")
            #expect(try next.response().text == "/next")
            #expect(gateway.folder.has("done"))
            #expect(try gateway.instance() == pid)
            #expect(try gateway.metric("penstock_function_invocations_total{function=\"function\"}") == 4)
        }
    }
}

/// One row: what a function does, and what comes of it.
struct FunctionFailure: Sendable, CustomTestStringConvertible {
    let name: String
    let runtime: FunctionRuntime
    let code: String
    let status: Int
    let log: String
    let livesOn: Bool?
    let settings: String

    var testDescription: String { "\(runtime.rawValue): \(name)" }

    /// A row of the table.
    ///
    /// - Parameters:
    ///   - name: what goes wrong.
    ///   - runtime: how the function is run.
    ///   - code: what it does.
    ///   - status: what the client gets.
    ///   - log: a part of the line in the log.
    ///   - livesOn: whether the next request meets the same process; a program of `exec` is one request's anyway.
    ///   - settings: of the function.
    init(
        _ name: String,
        _ runtime: FunctionRuntime,
        _ code: String,
        status: Int = 502,
        log: String,
        livesOn: Bool?,
        settings: String = ""
    ) {
        self.name = name
        self.runtime = runtime
        self.code = code
        self.status = status
        self.log = log
        self.livesOn = livesOn
        self.settings = settings
    }

    static let all = python + node + lines + exec

    private static let timeout = "timeout: 1s"
    private static let timedOut = "Error: Task timed out after 1.00 seconds"
    private static let tooLarge =
        "Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291456 bytes)."
    private static let garbage = """
        for fd in range(3, 1024):
            try: os.write(fd, os.urandom(4096))
            except OSError: pass
        time.sleep(60)
        """

    private static let python: [FunctionFailure] = [
        .init("raises", .python, "raise ValueError('boom')", log: "ValueError: boom", livesOn: true),
        .init(
            "returns no JSON",
            .python,
            "return object()",
            log: "Runtime.MarshalError: Unable to marshal response: Object of type object is not JSON serializable",
            livesOn: true
        ),
        .init("returns NaN", .python, "return {'x': float('nan')}", log: "Runtime.MarshalError", livesOn: true),
        .init("a status of 99", .python, "return {'statusCode': 99}", log: "from 200 to 599, not 99", livesOn: true),
        .init("a status of 1000", .python, "return {'statusCode': 1000}", log: "599, not 1000", livesOn: true),
        .init("an interim status", .python, "return {'statusCode': 100}", log: "599, not 100", livesOn: true),
        .init(
            "an object as body",
            .python,
            "return {'statusCode': 200, 'body': {'a': 1}}",
            log: "body must be a string; did you forget json.dumps?",
            livesOn: true
        ),
        .init(
            "NUL in a field",
            .python,
            "return {'statusCode': 200, 'headers': {'x-a': 'one\\0two'}}",
            log:
                "Runtime.InvalidResponse: the value of the header 'x-a' has a line break or another control byte in it",
            livesOn: true
        ),
        .init("sys.exit(3)", .python, "sys.exit(3)", log: "Runtime exited with error: exit status 3", livesOn: false),
        .init("sys.exit(0)", .python, "sys.exit(0)", log: "Runtime exited without providing a reason", livesOn: false),
        .init("os._exit(5)", .python, "os._exit(5)", log: "Runtime.ExitError: RequestId: ", livesOn: false),
        .init(
            "segfaults",
            .python,
            "import ctypes; ctypes.string_at(0)",
            log: "Runtime exited with error: signal: segmentation fault",
            livesOn: false
        ),
        .init("is killed", .python, "os.kill(os.getpid(), 9)", log: "signal: killed", livesOn: false),
        .init(
            "sleeps for ever",
            .python,
            "time.sleep(3600)",
            status: 504,
            log: timedOut,
            livesOn: false,
            settings: timeout
        ),
        .init(
            "computes for ever, deaf to signals",
            .python,
            """
            import signal
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
            while True: pass
            """,
            status: 504,
            log: timedOut,
            livesOn: false,
            settings: timeout
        ),
        .init(
            "needs more memory than it may have",
            .python,
            "return len(bytearray(1 << 30))",
            log: "MemoryError",
            livesOn: true,
            settings: "memory: 256MiB"
        ),
        .init("returns 10 MB", .python, "return 'x' * 10_000_000", log: tooLarge, livesOn: true),
        .init(
            "returns more than its own limit",
            .python,
            "return 'x' * 2000",
            log: "(1024 bytes)",
            livesOn: true,
            settings: "response_limit: 1KiB"
        ),
        .init(
            "a part of a frame, then its end",
            .python,
            """
            for fd in range(3, 1024):
                try: os.write(fd, b"\\0\\0\\1")
                except OSError: pass
            os._exit(0)
            """,
            log: "Runtime.ExitError",
            livesOn: false
        ),
        .init("garbage on every descriptor", .python, garbage, log: "Runtime.ProtocolError", livesOn: false),
        .init(
            "an answer to somebody else",
            .python,
            """
            for fd in range(3, 1024):
                try: os.write(fd, bytes([0,0,0,20, 3,0,0,0, 0,0,0,0,0,0,9,9, 0,200,0,0,0,0, 65,66]))
                except OSError: pass
            time.sleep(60)
            """,
            log: "Runtime.ProtocolError: Error: the instance broke the protocol: unknownID",
            livesOn: false
        ),
        .init(
            "closes every descriptor",
            .python,
            "os.closerange(3, 1024); time.sleep(60)",
            log: "Runtime.ProtocolError: Error: the instance closed its connection and did not exit",
            livesOn: false
        ),
        .init(
            "recurses without end",
            .python,
            "return handler(event, context)",
            log: "RecursionError: maximum recursion depth exceeded",
            livesOn: true
        ),
    ]

    private static let node: [FunctionFailure] = [
        .init("throws", .node, "throw new TypeError('boom')", log: "TypeError: boom", livesOn: true),
        .init("throws what is no error", .node, "throw 'boom'", log: "string: boom", livesOn: true),
        .init(
            "returns no JSON",
            .node,
            "const a = {}; a.a = a; return a",
            log: "Runtime.MarshalError: Unable to marshal response: Converting circular structure to JSON",
            livesOn: true
        ),
        .init("a status of 99", .node, "return { statusCode: 99 }", log: "from 200 to 599, not 99", livesOn: true),
        .init(
            "an object as body",
            .node,
            "return { statusCode: 200, body: { a: 1 } }",
            log: "body must be a string; did you forget JSON.stringify?",
            livesOn: true
        ),
        .init("process.exit(3)", .node, "process.exit(3)", log: "with error: exit status 3", livesOn: false),
        .init("process.exit(0)", .node, "process.exit(0)", log: "without providing a reason", livesOn: false),
        .init("aborts", .node, "process.abort()", log: "signal: aborted", livesOn: false),
        .init(
            "an exception that nobody catches",
            .node,
            "setTimeout(() => { throw new Error('lost') }); await new Promise(() => {})",
            log: "Error: lost",
            livesOn: false
        ),
        .init(
            "a rejection that nobody handles",
            .node,
            "Promise.reject(new Error('lost')); await new Promise((done) => setTimeout(done, 60000))",
            log: "Runtime.UnhandledPromiseRejection: lost",
            livesOn: false
        ),
        .init(
            "waits for ever",
            .node,
            "await new Promise((done) => setTimeout(done, 3600000))",
            status: 504,
            log: timedOut,
            livesOn: false,
            settings: timeout
        ),
        .init("computes for ever", .node, "for (;;) {}", status: 504, log: timedOut, livesOn: false, settings: timeout),
        .init("returns 10 MB", .node, "return 'x'.repeat(10000000)", log: tooLarge, livesOn: true),
        .init(
            "garbage on every descriptor",
            .node,
            """
            for (let fd = 3; fd < 1024; fd++) { try { fs.writeSync(fd, Buffer.alloc(4096, 0xfe)) } catch {} }
            await new Promise((done) => setTimeout(done, 60000))
            """,
            log: "Runtime.",
            livesOn: false
        ),
        .init(
            "needs more memory than it may have",
            .node,
            "for (const held = [];;) held.push(new Array(1e6).fill(held.length))",
            log: "signal: aborted",
            livesOn: false,
            settings: "memory: 64MiB"
        ),
        .init("recurses without end", .node, "return exports.handler(event)", log: "RangeError", livesOn: true),
    ]

    private static let lines: [FunctionFailure] = [
        .init(
            "no JSON",
            .lines,
            "print('Hello')",
            log: "Runtime.InvalidResponse: the result is not JSON",
            livesOn: true
        ),
        .init(
            "garbage as its answer",
            .lines,
            "os.write(1, b'\\xff\\xfe\\x00' * 1000 + b'\\n')",
            log: "Runtime.InvalidResponse: the result is not JSON",
            livesOn: true
        ),
        .init(
            "NaN",
            .lines,
            "print(json.dumps({'x': float('nan')}))",
            log: "Runtime.InvalidResponse: the result is not JSON",
            livesOn: true
        ),
        .init("a status of 99", .lines, "print('{\"statusCode\":99}')", log: "from 200 to 599, not 99", livesOn: true),
        .init("exit 3", .lines, "sys.exit(3)", log: "Runtime exited with error: exit status 3", livesOn: false),
        .init("segfaults", .lines, "import ctypes; ctypes.string_at(0)", log: "segmentation fault", livesOn: false),
        .init(
            "half a line, then its end",
            .lines,
            "os.write(1, b'{\"a\"'); sys.exit(0)",
            log: "Runtime exited without providing a reason",
            livesOn: false
        ),
        .init("closes its output", .lines, "os.close(1); time.sleep(60)", log: "Runtime.ProtocolError", livesOn: false),
        .init(
            "sleeps for ever",
            .lines,
            "time.sleep(3600)",
            status: 504,
            log: timedOut,
            livesOn: false,
            settings: timeout
        ),
        .init(
            "10 MB",
            .lines,
            "print(json.dumps('x' * 10_000_000))",
            log: tooLarge,
            livesOn: false
        ),
        .init("10 MB without a line end", .lines, "os.write(1, b'x' * 10_000_000)", log: tooLarge, livesOn: false),
    ]

    private static let exec: [FunctionFailure] = [
        .init("no JSON", .exec, "print('Hello')", log: "Runtime.InvalidResponse: the result is not JSON", livesOn: nil),
        .init("nothing", .exec, "pass", log: "Runtime.InvalidResponse: the result is not JSON", livesOn: nil),
        .init("an answer and exit 1", .exec, "print('1'); sys.exit(1)", log: "exit status 1", livesOn: nil),
        .init("segfaults", .exec, "import ctypes; ctypes.string_at(0)", log: "segmentation fault", livesOn: nil),
        .init(
            "sleeps for ever",
            .exec,
            "time.sleep(3600)",
            status: 504,
            log: timedOut,
            livesOn: nil,
            settings: timeout
        ),
        .init("10 MB", .exec, "print(json.dumps('x' * 10_000_000))", log: tooLarge, livesOn: nil),
    ]
}
