import PenstockBytes
import PenstockObservability
import Testing

@Suite("Access log")
struct AccessLogTests {
    /// What a log in `format` makes of an entry that `edit` has filled in.
    private func line(
        _ format: LogFormat,
        _ edit: (inout AccessLogEntry, [UnsafeRawBufferPointer]) -> Void = { _, _ in },
        texts: [String] = []
    ) throws -> String {
        let folder = try LogFolder()
        let writer = try LogWriter(.file(folder.file()))
        let log = AccessLog(format: format, writer: writer)
        let names = ["127.0.0.1", "GET", "/hello", "name=Ada", "public", "GET /hello", "hello", "0b1c"]
        withBytes(names + texts) { views in
            var entry = AccessLogEntry()
            entry.wallNanoseconds = 1_795_208_400_123_456_789
            entry.client = views[0]
            entry.method = views[1]
            entry.path = views[2]
            entry.query = views[3]
            entry.status = 200
            entry.sentBytes = 17
            entry.totalNanoseconds = 1_234_567
            entry.queueNanoseconds = 10_999
            entry.runNanoseconds = 800_000
            entry.listener = views[4]
            entry.route = views[5]
            entry.target = .function
            entry.targetName = views[6]
            entry.requestID = views[7]
            edit(&entry, Array(views[8...]))
            log.append(entry)
        }
        log.flush()
        writer.flush(seconds: 5)
        return folder.contents()
    }

    @Test func `a line of text reads from left to right`() throws {
        #expect(
            try line(.text)
                == #"2026-11-20T21:00:00.123Z 127.0.0.1 "GET /hello?name=Ada HTTP/1.1" 200 17B 1.234ms function=hello queue=0.010ms run=0.800ms route="GET /hello" listener=public id=0b1c"#
                + "\n"
        )
    }

    @Test func `a line of JSON has the same in members`() throws {
        let value = try JSONValue(parsing: try line(.json))
        #expect(
            value == [
                "time": "2026-11-20T21:00:00.123Z", "client": "127.0.0.1", "method": "GET", "path": "/hello",
                "query": "name=Ada", "protocol": "HTTP/1.1", "status": 200, "received_bytes": 0, "sent_bytes": 17,
                "duration_seconds": .number("0.001234"), "queue_seconds": .number("0.000010"),
                "run_seconds": .number("0.000800"), "listener": "public", "route": "GET /hello", "target": "function",
                "target_name": "hello", "request_id": "0b1c",
            ]
        )
    }

    @Test func `what does not apply is left out, and what went wrong is said`() throws {
        let shown = try line(
            .text,
            { entry, texts in
                entry.method = texts[1]
                entry.path = texts[1]
                entry.query = texts[1]
                entry.status = 408
                entry.target = .none
                entry.targetName = texts[1]
                entry.queueNanoseconds = -1
                entry.runNanoseconds = -1
                entry.route = texts[1]
                entry.receivedBytes = 5
                entry.error = texts[0]
            },
            texts: ["timeouts.head", ""]
        )
        #expect(
            shown
                == #"2026-11-20T21:00:00.123Z 127.0.0.1 "- - HTTP/1.1" 408 17B 1.234ms none received=5B listener=public id=0b1c error="timeouts.head""#
                + "\n"
        )
    }

    @Test(arguments: LogFormat.allCases)
    func `a path cannot forge a line or a field`(_ format: LogFormat) throws {
        let shown = try line(
            format,
            { entry, texts in
                entry.path = texts[0]
                entry.query = texts[0]
            },
            texts: ["/a\" 200\n\u{1B}[2J\u{202E}\\"]
        )
        #expect(shown.utf8.count { $0 == 0x0A } == 1)
        #expect(!shown.utf8.contains(0x1B))
        switch format {
        case .text:
            #expect(shown.contains(#" "GET /a\x22\x20200\x0A\x1B[2J\xE2\x80\xAE\x5C?/a\x22 200\x0A"#))
        case .json:
            #expect(try JSONValue(parsing: shown)["path"]?.string == "/a\" 200\n\u{1B}[2J\u{202E}\\")
        }
    }
}
