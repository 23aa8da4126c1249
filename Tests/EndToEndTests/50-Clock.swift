import TestSupport
import Testing

/// What becomes of a gateway when somebody sets the machine's clock.
@Suite("50 Clock", .wholeProcess)
struct ClockTests {
    @Test(arguments: [365 * 24 * 3600, -365 * 24 * 3600, 5])
    func `dates follow the clock, deadlines do not, and the log says so`(_ seconds: Int) throws {
        let folder = try TemporaryFolder()
        let library = "\(folder.path)/jump.so"
        let source = "\(GatewayProcess.repository)/Tests/Clock/jump.c"
        let compiler = try ChildProcess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"])
        try #require(compiler.status == 0, "\(compiler.errors)")
        try folder.write("clock", "0")
        let environment = ["LD_PRELOAD": library, "PENSTOCK_TEST_CLOCK": "\(folder.path)/clock"]
        let slow = "functions: { slow: { command: [/bin/cat], protocol: json_lines, timeout: 60s } }\n"
        let text = """
            loops: 1
            timeouts: { idle: 30s, head: 20s }
            \(slow)routes:
              - { path: /function, function: slow }
              - { path: /, respond: { body: ok } }
            """
        try withGateway(text, folder: folder, environment: environment) { gateway throws in
            let client = try gateway.connect()
            let before = try #require(client.answer("GET /")["date"])
            let half = try gateway.connect()
            try half.send("GET / HTTP/1.1\r\n")
            try folder.replace("clock", "\(seconds)")
            // `Sat, 21 Nov 2026 ...`: the year is another one.
            try Deadline.wait(for: "another date") {
                try client.answer("GET /")["date"]?.dropFirst(12).prefix(4) != before.dropFirst(12).prefix(4)
                    || seconds == 5
            }
            try Deadline.wait(for: "the log") {
                _ = try client.answer("GET /")
                return gateway.log.contains("the clock of the machine was set")
                    && gateway.log.contains("seconds=\(seconds)")
            }
            try half.send("Host: a\r\n\r\n")
            #expect(try half.response().text == "ok")
            #expect(try gateway.answer("POST /function\nContent-Length: 2\n\n{}").status == 200)
            #expect(gateway.log.split(separator: "\n").count { $0.contains("the clock of the machine") } == 1)
        }
    }
}
