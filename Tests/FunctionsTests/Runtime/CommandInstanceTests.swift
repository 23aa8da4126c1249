import Glibc
import PenstockNetworking
import PenstockSystem
import Testing

@testable import PenstockFunctions

@Suite("Commands in their processes")
struct CommandInstanceTests {
    private func lines(_ bench: FunctionBench, _ script: String) -> FunctionSettings {
        bench.command(.jsonLines(program: "/bin/sh", arguments: ["-c", script]))
    }

    private func once(_ bench: FunctionBench, _ script: String) -> FunctionSettings {
        bench.command(.exec(program: "/bin/sh", arguments: ["-c", script]))
    }

    @Test
    func `json_lines: one process answers line by line`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(lines(bench, "while read -r line; do echo logged >&2; echo \"[$$,$line]\"; done"))
        let first = await bench.call(pool, "{\n\"a\": 1\r\n}")
        let second = await bench.call(pool, "2", requestID: "r-2")
        guard case .result(let one) = first, case .result(let two) = second else {
            Issue.record("\(first) \(second)")
            return
        }
        let pid = try #require(one.dropFirst().split(separator: ",").first)
        #expect(one == "[\(pid),{ \"a\": 1  }]")
        #expect(two == "[\(pid),2]")
        await eventually("both lines are there") { bench.lines.all.count == 2 }
        #expect(bench.lines.all.allSatisfy { $0.hasSuffix("|logged") })
    }

    @Test
    func `json_lines: an answer over the limit, a line too many and an exit end the process`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = lines(
            bench,
            """
            read -r line
            case $line in
            1) head -c 100000 /dev/zero | tr '\\0' x; echo; sleep 60;;
            2) echo '"answer"'; echo '"surplus"'; sleep 60;;
            3) exit 7;;
            4) sleep 60;;
            esac
            """
        )
        settings.responseLimit = 50_000
        settings.timeout = 5_000_000_000
        let pool = bench.pool(settings)
        #expect(await bench.call(pool, "1").error?.kind == .tooLarge)
        let second = await bench.call(pool, "2")
        #expect(second == .result("\"answer\"") || second.error?.kind == .violation)
        await eventually("who said too much is gone") { pool.statistics.alive == 0 }
        #expect(
            await bench.call(pool, "3").error?.message
                == "RequestId: r-1 Error: Runtime exited with error: exit status 7"
        )
        #expect(await bench.call(pool, "4").error?.kind == .timedOut)
        await eventually("none is left") { pool.statistics.alive == 0 }
    }

    @Test
    func `exec: one process for each event, its output is the answer`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(once(bench, "echo err >&2; cat; echo \" $$\""))
        var answers: Set<String> = []
        for number in 0..<5 {
            guard case .result(let text) = await bench.call(pool, "\(number)") else { continue }
            #expect(text.hasPrefix("\(number) "))
            answers.insert(text)
        }
        #expect(answers.count == 5)
        await eventually("all lines are there") { bench.lines.all.filter { $0 == "r-1|err" }.count == 5 }
        await eventually("none is left") { pool.statistics.alive == 0 }
    }

    @Test
    func `exec: no signal is ignored or blocked`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let none = "0000000000000000"
        let pool = bench.pool(once(bench, "grep -E 'SigIgn|SigBlk' /proc/self/status | cut -f2"))
        #expect(await bench.call(pool) == .result("\(none)\n\(none)\n"))
    }

    @Test
    func `exec: large events and answers, several at a time`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(once(bench, "cat"))
        let event = "\"" + String(repeating: "z", count: 1_000_000) + "\""
        let outcomes = await bench.callAll(pool, count: 6, event)
        #expect(outcomes.allSatisfy { $0 == .result(event) })
    }

    @Test(arguments: [
        ("exit 3", InvocationError.Kind.exited, "exit status 3"),
        ("cat; exit 1", .exited, "exit status 1"),
        ("kill -9 $$", .exited, "signal: killed"),
        ("sleep 60", .timedOut, "timed out"),
        ("exec >&-; sleep 60", .timedOut, "timed out"),
        ("head -c 9000000 /dev/zero", .tooLarge, "6291456"),
    ])
    func `exec: what is no answer`(_ script: String, _ kind: InvocationError.Kind, _ message: String) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = once(bench, script)
        settings.timeout = kind == .timedOut ? 500_000_000 : 20_000_000_000
        let pool = bench.pool(settings)
        let error = try #require(await bench.call(pool).error)
        #expect(error.kind == kind)
        #expect(error.message.contains(message), "\(error.message)")
        #expect(pool.statistics.started == 1)
        await eventually("none is left") { pool.statistics.alive == 0 }
    }

    @Test
    func `exec: a program that does not read its event is run once, and answers`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let wait = "until [ -e go ]; do sleep 0.01; done"
        var settings = once(bench, "exec 0<&-; echo $$ > closed; \(wait); echo $$")
        settings.minimum = 1
        settings.maximum = 1
        let pool = bench.pool(settings)
        pool.begin()
        await eventually("it has closed its input") { bench.read("\(bench.folder)/closed").hasSuffix("\n") }
        await eventually("it is ready") { pool.statistics.idle == 1 }
        let pid = bench.read("\(bench.folder)/closed")
        async let answer = bench.call(pool)
        await eventually("an event is its own") { pool.statistics.idle == 0 }
        await bench.settle()
        _ = bench.write("go", "")
        let outcome = await answer
        #expect(outcome == .result(pid))
    }

    @Test
    func `exec: a program that does not read its event has its time, no more`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = once(bench, "exec 0<&-; echo $$ > closed; exec sleep 60")
        settings.minimum = 1
        settings.maximum = 1
        settings.timeout = 300_000_000
        let pool = bench.pool(settings)
        pool.begin()
        await eventually("it has closed its input") { bench.read("\(bench.folder)/closed").hasSuffix("\n") }
        let pid = try #require(Int32(bench.read("\(bench.folder)/closed").dropLast()))
        #expect(await bench.call(pool).error?.kind == .timedOut)
        await eventually("it is gone") { !isRunning(pid) }
    }

    @Test
    func `json_lines: an event that two fresh processes do not read is given to no third one`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = lines(bench, "exec 0<&-; : > closed.$$; exec sleep 60")
        settings.minimum = 2
        settings.maximum = 2
        settings.timeout = 10_000_000_000
        let pool = bench.pool(settings)
        pool.begin()
        await eventually("both have closed their input") { bench.files().count { $0.hasPrefix("closed") } == 2 }
        #expect(await bench.call(pool).error?.kind == .violation)
    }

    @Test
    func `json_lines: what was said before an event is not its answer`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let more = "until [ -e go ]; do sleep 0.01; done; echo \"more $line\"; : > said"
        let pool = bench.pool(
            lines(bench, "while read -r line; do echo \"answer $line\"; if [ $line = 1 ]; then \(more); fi; done")
        )
        #expect(await bench.call(pool, "1") == .result("answer 1"))
        // The loop that watches it sleeps, so the line is there, and unread, when the other loop takes the instance.
        bench.shares[0].loop.submit { while access("\(bench.folder)/over", F_OK) != 0 { usleep(1000) } }
        _ = bench.write("go", "")
        await eventually("it has said more") { bench.files().contains("said") }
        #expect(await bench.call(pool, "2", on: 1) == .result("answer 2"))
        _ = bench.write("over", "")
        #expect(pool.statistics.started == 2)
        #expect(bench.lines.all.filter { $0.contains("[ERROR] Runtime.ProtocolError") }.count == 1)
    }

    @Test
    func `a program that is not there is named`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.command(.jsonLines(program: "/nowhere/program", arguments: [])))
        let error = try #require(await bench.call(pool).error)
        #expect(error.kind == .start)
        #expect(error.message == "/nowhere/program: execve: No such file or directory")
    }
}

@Suite("Node functions in their processes")
struct NodeInstanceTests {
    private static let handlers = """
        const cases = {
          hello: async () => ({ statusCode: 200, headers: { 'X-A': 'b' }, body: 'Hello' }),
          pid: async () => String(process.pid),
          prints: async () => { console.log('printed'); process.stdout.write('no line end'); return 'x' },
          callback: (event, context, callback) => setTimeout(() => callback(null, { statusCode: 201 }), 5),
          raises: async () => { throw new TypeError('boom') },
          exits: async () => process.exit(3),
          lost: async () => { Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 1000)) },
          spins: async () => { for (;;) {} },
          large: async () => ({ statusCode: 200, body: 'x'.repeat(10000000) }),
          descriptors: async () => require('child_process').execSync('ls /proc/self/fd | wc -l').toString().trim(),
        }
        exports.handler = (event, context, callback) => cases[event.case](event, context, callback)
        """

    @Test
    func `a reply comes with its status, fields and body`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.node(Self.handlers))
        let fields = "X-A: b\r\ncontent-type: application/json\r\n"
        #expect(await bench.call(pool, #"{"case": "hello"}"#) == .reply(200, fields: fields, body: Array("Hello".utf8)))
        #expect(await bench.call(pool, #"{"case": "callback"}"#).status == 201)
        #expect(await bench.call(pool, #"{"case": "descriptors"}"#).body == "4")
        _ = await bench.call(pool, #"{"case": "prints"}"#, requestID: "r-9")
        #expect(bench.lines.all == ["r-9|printed", "r-9|no line end"])
    }

    @Test(arguments: [
        ("raises", InvocationError.Kind.function, "TypeError", true),
        ("large", .tooLarge, "Function.ResponseSizeTooLarge", true),
        ("exits", .exited, "Runtime.ExitError", false),
        ("lost", .function, "Runtime.UnhandledPromiseRejection", false),
        ("spins", .timedOut, "Sandbox.Timedout", false),
    ])
    func `every row of the failure table`(
        _ name: String,
        _ kind: InvocationError.Kind,
        _ type: String,
        _ survives: Bool
    ) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.node(Self.handlers)
        settings.timeout = 2_000_000_000
        let pool = bench.pool(settings)
        let first = await bench.call(pool, #"{"case": "pid"}"#).body
        let error = try #require(await bench.call(pool, #"{"case": "\#(name)"}"#).error)
        #expect(error.kind == kind && error.type == type)
        let second = await bench.call(pool, #"{"case": "pid"}"#).body
        #expect(second != nil && (first == second) == survives)
    }

    @Test(arguments: ["handler.mjs", "handler.js"])
    func `an ES module is a function`(_ name: String) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        _ = bench.write("package.json", #"{"type": "module"}"#)
        let text = "import os from 'os'\nexport const handler = async (event) => ({ statusCode: 200, body: 'esm' })"
        #expect(await bench.call(bench.pool(bench.node(text, name: name))).body == "esm")
    }

    @Test(arguments: [
        ("exports.other = 1", "Runtime.HandlerNotFound"), ("require('nothere')", "Runtime.ImportModuleError"),
        ("const x = ;", "Runtime.UserCodeSyntaxError"), ("throw new RangeError('x')", "RangeError"),
    ])
    func `a function that cannot start says why`(_ text: String, _ type: String) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let error = try #require(await bench.call(bench.pool(bench.node(text))).error)
        #expect(error.kind == .start && error.type == type)
    }
}
