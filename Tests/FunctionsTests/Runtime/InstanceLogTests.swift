import PenstockSystem
import Testing

@testable import PenstockFunctions

@Suite("What an instance prints, cut into lines")
struct InstanceLogTests {
    @Test(arguments: [
        (["a\nb\n"], ["a", "b"], ""), (["a", "b\n"], ["ab"], ""), (["a\n\nb"], ["a", ""], "b"), (["\n"], [""], ""),
        (["a", "", "b", "c\nd"], ["abc"], "d"), (["a\r\n"], ["a\r"], ""), ([], [], ""),
    ])
    func `lines are whole, whatever the pieces`(_ pieces: [String], _ expected: [String], _ rest: String) {
        var log = InstanceLog()
        var lines: [String] = []
        let now = Instant(nanoseconds: 1)
        for piece in pieces {
            withBytes(piece) { log.receive($0, at: now) { lines.append(String(decoding: $0, as: UTF8.self)) } }
        }
        #expect(lines == expected)
        log.flush(at: now) { lines.append(String(decoding: $0, as: UTF8.self)) }
        #expect(lines == expected + (rest.isEmpty ? [] : [rest]))
    }

    @Test(arguments: [1, 1000, 16_384, 40_000])
    func `a line without an end is cut, and nothing of it is lost`(_ piece: Int) {
        var log = InstanceLog()
        var lengths: [Int] = []
        let now = Instant(nanoseconds: 1)
        let text = String(repeating: "x", count: piece)
        var sent = 0
        while sent < 100_000 {
            withBytes(text) { log.receive($0, at: now) { lengths.append($0.count) } }
            sent += piece
        }
        log.flush(at: now) { lengths.append($0.count) }
        #expect(lengths.reduce(0, +) == sent)
        #expect(lengths.allSatisfy { $0 <= InstanceLog.lineLimit })
    }

    @Test
    func `a flood is dropped and counted, and quiet brings the log back`() {
        var log = InstanceLog()
        var lines: [String] = []
        let line = String(repeating: "x", count: 1000) + "\n"
        for _ in 0..<100_000 {
            withBytes(line) {
                log.receive($0, at: Instant(nanoseconds: 1)) { lines.append(String(decoding: $0, as: UTF8.self)) }
            }
        }
        let kept = lines.count
        #expect((3000...5000).contains(kept))
        withBytes("after\n") {
            log.receive($0, at: Instant(nanoseconds: 5_000_000_000)) {
                lines.append(String(decoding: $0, as: UTF8.self))
            }
        }
        #expect(lines.dropFirst(kept) == ["[penstock] \(100_000 - kept) lines dropped: more than 1 MiB/s", "after"])
        log.flush(at: Instant(nanoseconds: 5_000_000_000)) { lines.append(String(decoding: $0, as: UTF8.self)) }
        #expect(lines.count == kept + 2)
    }

    @Test
    func `what was dropped last is told of when its request has been answered`() {
        var log = InstanceLog()
        var told: [String] = []
        withBytes(String(repeating: "x", count: 999) + "\n") { line in
            for _ in 0..<100_000 { log.receive(line, at: Instant(nanoseconds: 1)) { _ in } }
        }
        for _ in 0..<2 {
            log.flush(at: Instant(nanoseconds: 1)) { told.append(String(decoding: $0, as: UTF8.self)) }
        }
        #expect(told.count == 1)
        #expect(told.first?.wholeMatch(of: #/\[penstock\] \d+ lines dropped: more than 1 MiB/s/#) != nil, "\(told)")
    }
}

@Suite("The environment of a function")
struct FunctionEnvironmentTests {
    private let settings = FunctionSettings(
        name: "hello",
        program: .python(interpreter: "/usr/bin/python3", file: "/srv/hello/hello.py", function: "lambda_handler"),
        directory: "/srv/hello"
    )

    @Test
    func `it is built, not inherited`() {
        let entries = FunctionEnvironment.build(
            for: settings,
            own: [],
            gateway: ["SECRET": "x", "PATH": "/bin", "HOME": "/home/ann"]
        )
        #expect(!entries.contains { $0.hasPrefix("SECRET") })
        #expect(
            Set(entries).isSuperset(of: [
                "PATH=/bin", "HOME=/home/ann", "LANG=C.UTF-8", "TZ=:UTC", "_HANDLER=hello.lambda_handler",
                "LAMBDA_TASK_ROOT=/srv/hello", "AWS_LAMBDA_FUNCTION_NAME=hello", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/hello",
                "AWS_REGION=us-east-1", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
            ])
        )
    }

    @Test
    func `what is passed on and the function's own win, Lambda's reserved names win over all`() {
        let entries = FunctionEnvironment.build(
            for: settings,
            own: [("PATH", "/own"), ("AWS_REGION", "eu-west-1"), ("_HANDLER", "mine"), ("TOKEN", "own")],
            passed: ["TOKEN", "TZ", "ABSENT"],
            gateway: ["PATH": "/bin", "TOKEN": "gateway", "TZ": "Europe/Berlin"]
        )
        #expect(
            Set(entries).isSuperset(of: [
                "PATH=/own", "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "_HANDLER=hello.lambda_handler",
                "TOKEN=own", "TZ=Europe/Berlin",
            ])
        )
        #expect(!entries.contains { $0.hasPrefix("ABSENT") })
        #expect(entries == entries.sorted())
    }

    @Test
    func `a log stream is named as Lambda names it`() throws {
        let name = FunctionEnvironment.logStreamName()
        #expect(try #/\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}/#.wholeMatch(in: name) != nil)
    }
}
