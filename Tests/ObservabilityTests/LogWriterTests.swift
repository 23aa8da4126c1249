import Dispatch
import Glibc
import Logging
import PenstockBytes
import PenstockObservability
import PenstockSystem
import Synchronization
import Testing

@Suite("Log writer")
struct LogWriterTests {
    private func submit(_ text: String, to writer: LogWriter) {
        var lines = ByteBuffer()
        lines.append(text)
        writer.submit(&lines, count: text.utf8.count { $0 == 0x0A })
        let isEmpty = lines.isEmpty
        #expect(isEmpty)
    }

    @Test func `lines of many threads are written whole`() throws {
        let folder = try LogFolder()
        let writer = try LogWriter(.file(folder.file()))
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for line in 0..<500 { submit("thread \(thread) line \(line)\n", to: writer) }
        }
        writer.flush(seconds: 10)
        let lines = folder.contents().split(separator: "\n")
        #expect(lines.count == 2_000)
        #expect(Set(lines).count == 2_000)
    }

    @Test func `a file is opened anew after it was renamed`() throws {
        let folder = try LogFolder()
        let writer = try LogWriter(.file(folder.file()))
        submit("before\n", to: writer)
        writer.flush(seconds: 10)
        rename(folder.file(), folder.file("log.1"))
        submit("between\n", to: writer)
        try writer.reopen()
        writer.flush(seconds: 10)
        submit("after\n", to: writer)
        writer.flush(seconds: 10)
        #expect(folder.contents("log.1") == "before\nbetween\n")
        #expect(folder.contents() == "after\n")
    }

    @Test func `a reopening that fails keeps the old file`() throws {
        let folder = try LogFolder()
        let writer = try LogWriter(.file(folder.file()))
        rename(folder.file(), folder.file("log.1"))
        mkdir(folder.file(), 0o755)
        #expect(throws: SystemError.self) { try writer.reopen() }
        submit("kept\n", to: writer)
        writer.flush(seconds: 10)
        #expect(folder.contents("log.1") == "kept\n")
        rmdir(folder.file())
    }

    @Test func `a file that cannot be opened is an error that names it`() {
        let error = #expect(throws: SystemError.self) { try LogWriter(.file("/nowhere/log")) }
        #expect(error?.description == "open /nowhere/log: No such file or directory")
    }

    @Test func `a destination that takes nothing costs lines, not time`() throws {
        let folder = try LogFolder()
        signal(SIGPIPE, SIG_IGN)
        mkfifo(folder.file("pipe"), 0o600)
        let reader = open(folder.file("pipe"), O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let registry = MetricsRegistry()
        let writer = try LogWriter(
            .file(folder.file("pipe")),
            dropped: registry.counter(.droppedLogLines, ["access"])
        )
        let line = String(repeating: "x", count: 99_999) + "\n"
        for _ in 0..<200 { submit(line, to: writer) }
        #expect(registry.value(.droppedLogLines, ["access"]) > 100)
        let before = MonotonicClock.now()
        writer.flush(seconds: 0.05)
        #expect(MonotonicClock.now() - before < 5_000_000_000)
        // The writer's thread ends its wait when there is no reader any more.
    }

    @Test func `that lines cannot be written is told once, and once that they can again`() throws {
        let folder = try LogFolder()
        #expect(symlink("/dev/full", folder.file()) == 0)
        let told = Mutex<[String]>([])
        let writer = try LogWriter(
            .file(folder.file()),
            changed: { error in told.withLock { $0.append(error?.reason ?? "works") } }
        )
        for _ in 0..<2 {
            submit("lost\n", to: writer)
            writer.flush(seconds: 10)
        }
        unlink(folder.file())
        try writer.reopen()
        writer.flush(seconds: 10)
        for _ in 0..<2 {
            submit("kept\n", to: writer)
            writer.flush(seconds: 10)
        }
        #expect(told.withLock { $0 } == ["No space left on device", "works"])
        #expect(folder.contents() == "kept\nkept\n")
    }

    @Test func `lines that cannot be written are counted`() throws {
        let registry = MetricsRegistry()
        let writer = try LogWriter(.file("/dev/full"), dropped: registry.counter(.droppedLogLines, ["access"]))
        submit("a\nb\n", to: writer)
        writer.flush(seconds: 10)
        #expect(registry.value(.droppedLogLines, ["access"]) == 2)
    }
}

@Suite("Operational log")
struct LineLogHandlerTests {
    private func line(_ format: LogFormat, _ body: (Logger) -> Void) throws -> String {
        let folder = try LogFolder()
        let writer = try LogWriter(.file(folder.file()))
        body(Logger(label: "test") { _ in LineLogHandler(writer: writer, format: format) })
        writer.flush(seconds: 10)
        return folder.contents()
    }

    @Test func `an event is a line with its metadata`() throws {
        let shown = try line(.text) { $0.warning("it\nbroke", metadata: ["b": "two words", "a": "1", "c": ""]) }
        #expect(shown.dropFirst(24) == " warning it\\x0Abroke a=1 b=\"two words\" c=\"\"\n")
    }

    @Test func `an event is an object with its metadata`() throws {
        let shown = try line(.json) { $0.error("it \"broke\"", metadata: ["a": "1"]) }
        let value = try JSONValue(parsing: shown)
        #expect(value["level"] == "error")
        #expect(value["message"] == "it \"broke\"")
        #expect(value["a"] == "1")
    }

    @Test func `what is below the level is not written`() throws {
        #expect(try line(.text) { $0.debug("quiet") } == "")
    }
}

@Suite("Function log")
struct FunctionLogTests {
    private func line(_ format: LogFormat, _ text: String, stream: FunctionLog.Stream = .either) throws -> String {
        let folder = try LogFolder()
        let writer = try LogWriter(.file(folder.file()))
        let log = FunctionLog(format: format, writer: writer)
        withBytes([text, "hello", "0b1c"]) { views in
            log.append(
                views[0],
                from: FunctionLog.Source(function: views[1], instance: 3, requestID: views[2], stream: stream),
                wallNanoseconds: 1_795_208_400_123_456_789
            )
        }
        log.flush()
        writer.flush(seconds: 10)
        return folder.contents()
    }

    @Test func `a line says function, instance and request`() throws {
        #expect(try line(.text, "grüß \"dich\"\r") == "2026-11-20T21:00:00.123Z hello[3] 0b1c: grüß \"dich\"\n")
    }

    @Test func `a terminal's commands are shown, not obeyed`() throws {
        #expect(try line(.text, "\u{1B}[2Ja\rb") == "2026-11-20T21:00:00.123Z hello[3] 0b1c: \\x1B[2Ja\\x0Db\n")
    }

    @Test func `JSON has the stream too`() throws {
        let value = try JSONValue(parsing: try line(.json, "x\u{1B}", stream: .error))
        #expect(value["stream"] == "stderr")
        #expect(value["message"] == "x\u{1B}")
        #expect(value["instance"] == 3)
        #expect(value["request_id"] == "0b1c")
    }
}
