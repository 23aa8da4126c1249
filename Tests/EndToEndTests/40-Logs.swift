import TestSupport
import Testing

/// What functions print: lines of the log, each with its function, instance and request, and nothing else.
@Suite("40 Logs of functions", .wholeProcess)
struct FunctionLogTests {
    @Test(arguments: Printing.all)
    func `a line carries the id of the request that ran, the last one before the reply too`(_ row: Printing) throws {
        try withFunctions(FunctionSource(row.runtime, row.code)) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<3 {
                let answer = try client.answer("GET /")
                #expect(answer.status == 200)
                #expect(answer.text == "answer")
                let id = try #require(answer["x-request-id"])
                try Deadline.wait(for: "the lines of \(id) in\n\(gateway.log)") {
                    gateway.lines(request: id).count >= row.lines.count
                }
                #expect(gateway.lines(request: id) == row.lines)
            }
        }
    }

    @Test func `requests that run at once keep their lines apart`() throws {
        let code = """
            for number in range(50):
                print(context.aws_request_id, number, flush=True)
                time.sleep(0.002)
            return context.aws_request_id
            """
        try withFunctions(FunctionSource(.python, code, settings: "instances: { max: 4 }")) {
            gateway throws in
            let clients = try (0..<4).map { _ in try gateway.connect() }
            for client in clients { try client.request("GET /") }
            for client in clients {
                let answer = try client.response()
                let id = answer.text
                #expect(answer["x-request-id"] == id)
                try Deadline.wait(for: "the lines of \(id)") { gateway.lines(request: id).count >= 50 }
                #expect(gateway.lines(request: id) == (0..<50).map { "\(id) \($0)" })
            }
        }
    }

    @Test func `what is printed while nothing runs belongs to no request`() throws {
        let program = """
            import threading, time
            print("at import", flush=True)
            def late():
                time.sleep(0.1)
                print("later", flush=True)
            def handler(event, context):
                threading.Thread(target=late).start()
                return "x"
            """
        try withFunctions(FunctionSource(.python, program: program)) { gateway throws in
            #expect(try gateway.text("/") == "x")
            try Deadline.wait(for: "both lines in\n\(gateway.log)") { gateway.lines(request: "-").count == 2 }
            #expect(gateway.lines(request: "-") == ["at import", "later"])
        }
    }

    @Test func `control bytes are shown, not obeyed`() throws {
        let code = #"os.write(1, b"\x1b[2Jred\rback\x00\xff\n2026-01-01T00:00:00.000Z info forged\r\n"); return "x""#
        try withFunctions(FunctionSource(.python, code)) { gateway throws in
            let id = try #require(try gateway.answer("GET /")["x-request-id"])
            try Deadline.wait(for: "the lines") { gateway.lines(request: id).count == 2 }
            let lines = gateway.lines(request: id)
            #expect(!gateway.log.utf8.contains { $0 == 0x1B || $0 == 0x0D || $0 == 0 })
            #expect(lines[0].contains("red") && lines[0].contains("back"))
            #expect(lines[1] == "2026-01-01T00:00:00.000Z info forged")
        }
    }

    /// 20 MB in lines or in one; 1 MB where the path is not the root.
    private static let loud: [(FunctionRuntime, String)] = [
        (.python, "\(times)    os.write(1, (b'x' * 99 + b'\\n') * 10486)\nreturn 'answer'"),
        (.python, "\(times)    os.write(1, b'x' * 1048576)\nreturn 'answer'"),
        (
            .node,
            """
            for (let times = event.rawPath === '/' ? 20 : 1; times > 0; times--) {
              process.stdout.write(('x'.repeat(99) + '\\n').repeat(10486))
            }
            return 'answer'
            """
        ),
        (.lines, "\(times)    os.write(2, (b'x' * 99 + b'\\n') * 10486)\nprint('\"answer\"')"),
        (.exec, "\(times)    os.write(2, (b'x' * 99 + b'\\n') * 10486)\nprint('\"answer\"')"),
    ]
    private static let times = "for _ in range(20 if event['rawPath'] == '/' else 1):\n"

    @Test(arguments: loud)
    func `20 MB of lines are cut to a rate, and harm nobody`(_ runtime: FunctionRuntime, _ code: String) throws {
        let loud = FunctionSource(runtime, code, name: "loud")
        let quiet = FunctionSource(.python, "return 'quiet'", name: "quiet")
        try withFunctions(loud, quiet, more: "loops: 1") { gateway throws in
            #expect(try gateway.text("/quiet/") == "quiet")
            let before = gateway.process.peakResidentKiB
            let client = try gateway.connect()
            try client.request("GET /loud/")
            let other = try gateway.connect()
            for _ in 0..<20 { #expect(try other.answer("GET /quiet/").text == "quiet") }
            let answer = try client.response()
            #expect(answer.status == 200)
            #expect(answer.text == "answer")
            #expect(client.buffer.isEmpty)
            let again = try client.answer("GET /loud/")
            #expect(again.text == "answer")
            // It is told of with the next line that may be written, or when the instance ends.
            try Deadline.wait(for: "what was dropped") {
                _ = try client.answer("GET /loud/more")
                return gateway.log.contains("lines dropped: more than 1 MiB/s")
            }
            #expect(gateway.log.utf8.count < 20 << 20)
            #expect(gateway.process.peakResidentKiB - before < 16 << 10)
        }
    }
}

/// A function that prints, and the lines that the log has of it.
struct Printing: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let runtime: FunctionRuntime
    let code: String
    let lines: [String]

    init(_ name: String, _ runtime: FunctionRuntime, _ code: String, _ lines: [String]) {
        testDescription = "\(runtime.rawValue): \(name)"
        self.runtime = runtime
        self.code = code
        self.lines = lines
    }

    static let all: [Printing] = [
        .init(
            "print and stderr",
            .python,
            "print('one')\nprint('two', file=sys.stderr)\nsys.stdout.write('no line end')\nreturn 'answer'",
            ["one", "two", "no line end"]
        ),
        .init(
            "descriptors 1 and 2",
            .python,
            "os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.write(1, b'three'); return 'answer'",
            ["one", "two", "three"]
        ),
        .init(
            "a program that it runs",
            .python,
            "subprocess.run(['sh', '-c', 'echo one; echo two >&2; printf three']); return 'answer'",
            ["one", "two", "three"]
        ),
        .init("context.log", .python, "context.log('one\\ntwo\\n'); return 'answer'", ["one", "two"]),
        .init("an empty line", .python, "print('one\\n\\ntwo'); return 'answer'", ["one", "", "two"]),
        .init(
            "console",
            .node,
            "console.log('one'); console.error('two'); process.stdout.write('no line end'); return 'answer'",
            ["one", "two", "no line end"]
        ),
        .init(
            "descriptors 1 and 2",
            .node,
            "fs.writeSync(1, 'one\\n'); fs.writeSync(2, 'two\\n'); return 'answer'",
            ["one", "two"]
        ),
        .init(
            "a program that it runs",
            .node,
            "execSync('echo one; echo two >&2', { stdio: 'inherit' }); return 'answer'",
            ["one", "two"]
        ),
        .init(
            "stderr",
            .lines,
            "print('one', file=sys.stderr)\nos.write(2, b'two')\nprint('\"answer\"')",
            ["one", "two"]
        ),
        .init(
            "a program that it runs",
            .lines,
            "subprocess.run(['sh', '-c', 'echo one >&2'])\nprint('\"answer\"')",
            ["one"]
        ),
        .init(
            "stderr",
            .exec,
            "print('one', file=sys.stderr)\nprint('\"answer\"')\nos.write(2, b'two')",
            ["one", "two"]
        ),
    ]
}
