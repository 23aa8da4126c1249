import Glibc
import TestSupport
import Testing

/// What keeps a gateway from starting, and what may run out while it runs.
@Suite("50 Starting and running out", .wholeProcess)
struct StartingTests {
    private static let routes = "routes: [{ path: /, respond: { body: ok } }]\n"

    private func refusal(_ yaml: String, in folder: TemporaryFolder? = nil) throws -> String {
        let folder = try folder ?? TemporaryFolder()
        try folder.write("routes.yaml", "version: 1\nstate: state\n" + yaml)
        let outcome = try ChildProcess.run(
            [GatewayProcess.binary, "serve", "routes.yaml"],
            in: folder.path,
            seconds: 20
        )
        #expect(outcome.status == 2, "\(outcome)")
        #expect(outcome.output == "")
        return outcome.errors
    }

    @Test func `an address in use is named`() throws {
        let taken = try ScriptedUpstream.echo()
        let listeners = "listeners: [{ name: public, address: \"127.0.0.1:\(taken.port)\" }]\n"
        let errors = try refusal(listeners + Self.routes)
        #expect(errors.contains("127.0.0.1:\(taken.port)"), "\(errors)")
        #expect(errors.contains("in use"), "\(errors)")
    }

    @Test func `the admin's address in use is named`() throws {
        let taken = try ScriptedUpstream.echo()
        let yaml =
            "listeners: [{ name: public, address: \"\(Loopback.listener)\" }]\nadmin: { address: \"127.0.0.1:\(taken.port)\" }\n"
        let errors = try refusal(yaml + Self.routes)
        #expect(errors.contains("127.0.0.1:\(taken.port)") && errors.contains("admin"), "\(errors)")
    }

    @Test func `a socket in use is named, and one left behind is replaced`() throws {
        let yaml = "listeners: [{ name: public, address: \"unix:public.sock\" }]\n" + Self.routes
        let folder = try TemporaryFolder()
        try withGateway(yaml, folder: folder) { gateway throws in
            let other = "state: other\n" + yaml
            try folder.write("second.yaml", "version: 1\n" + other)
            let outcome = try ChildProcess.run(
                [GatewayProcess.binary, "serve", "second.yaml"],
                in: folder.path,
                seconds: 20
            )
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("public.sock"))
            #expect(try gateway.answer("GET /").text == "ok")
        }
        // Killed, the first one has left its socket.
        #expect(access("\(folder.path)/public.sock", F_OK) == 0)
        try withGateway(yaml, folder: folder) { gateway throws in
            #expect(try gateway.answer("GET /").text == "ok")
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            #expect(access("\(folder.path)/public.sock", F_OK) != 0)
        }
    }

    @Test func `a file in the place of a socket is named, and stays`() throws {
        let folder = try TemporaryFolder()
        try folder.write("precious.txt", "precious")
        let yaml = "listeners: [{ name: public, address: \"unix:precious.txt\" }]\n" + Self.routes
        let errors = try refusal(yaml, in: folder)
        #expect(errors.contains("precious.txt") && errors.contains("is there, and is no socket"), "\(errors)")
        #expect(folder.read("precious.txt") == "precious")
    }

    @Test func `a file that takes a socket's place before a reload stays`() throws {
        let one = "{ name: public, address: \"127.0.0.1:0\" }"
        try withGateway("listeners: [\(one)]\n" + Self.routes) { gateway throws in
            try gateway.folder.write("precious.txt", "precious")
            let yaml = "listeners: [\(one), { name: other, address: \"unix:precious.txt\" }]\n" + Self.routes
            #expect(try !gateway.reload(yaml))
            #expect(gateway.folder.read("precious.txt") == "precious")
        }
    }

    @Test func `a log that cannot be written is named`() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "")
        let listeners = "listeners: [{ name: public, address: \"\(Loopback.listener)\" }]\n"
        let errors = try refusal(listeners + "access_log: { to: file/access.log }\n" + Self.routes, in: folder)
        #expect(errors.contains("file/access.log"), "\(errors)")
    }

    @Test func `one state folder is for one gateway`() throws {
        let folder = try TemporaryFolder()
        try withGateway(Self.routes, folder: folder) { gateway throws in
            let listeners = "listeners: [{ name: public, address: \"\(Loopback.listener)\" }]\n"
            let errors = try refusal(listeners + Self.routes, in: folder)
            #expect(errors.contains("state"), "\(errors)")
            var info = stat()
            #expect(stat("\(folder.path)/state", &info) == 0)
            #expect(info.st_mode & 0o777 == 0o700)
        }
    }

    @Test func `closed standard streams are opened, and functions run`() throws {
        let folder = try TemporaryFolder()
        let yaml = """
            version: 1
            state: state
            listeners: [{ name: public, address: "unix:public.sock" }]
            functions: { cat: { command: [/bin/cat], protocol: json_lines, instances: { min: 1 } } }
            routes: [{ path: /, function: cat }]
            """
        try folder.write("routes.yaml", yaml)
        let script = "exec \"$0\" serve routes.yaml <&- >&- 2>&-"
        let gateway = try ChildProcess(["sh", "-c", script, GatewayProcess.binary], in: folder.path)
        try Deadline.wait(for: "the function") {
            Processes.descendants(of: gateway.pid).contains { Processes.command($0).hasPrefix("/bin/cat") }
        }
        for number in 0...2 {
            var target = [CChar](repeating: 0, count: 64)
            let length = readlink("/proc/\(gateway.pid)/fd/\(number)", &target, 64)
            #expect(target[..<max(0, length)].map { UInt8(bitPattern: $0) } == Array("/dev/null".utf8))
        }
        gateway.signal(SIGTERM)
        #expect(try gateway.waitForExit() == 0)
    }

    /// Runs a program on a machine without IPv6, where `socket(AF_INET6, ...)` is EAFNOSUPPORT, or without io_uring, where
    /// `io_uring_setup` is EPERM: `without.py IPv6|io_uring PROGRAM ...`.
    private static let without = """
        import ctypes, os, platform, struct, sys
        socket = {"x86_64": 41, "aarch64": 198}[platform.machine()]
        load, equal, answer = 0x20, 0x15, 0x06
        rules = {
            "IPv6": [(equal, 0, 3, socket), (load, 0, 0, 16), (equal, 0, 1, 10), (answer, 0, 0, 0x00050000 | 97)],
            "io_uring": [(equal, 0, 1, 425), (answer, 0, 0, 0x00050000 | 1)],
        }[sys.argv.pop(1)]
        rules = [(load, 0, 0, 0), *rules, (answer, 0, 0, 0x7FFF0000)]
        program = b"".join(struct.pack("HBBI", *row) for row in rules)
        memory = ctypes.create_string_buffer(program)
        filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(memory)))
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter, 0, 0) == 0
        os.execv(sys.argv[1], sys.argv[1:])
        """

    @Test(arguments: [":0", "localhost:0"])
    func `without IPv6 it listens on IPv4`(_ address: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("without.py", Self.without)
        let listeners = "listeners: [{ name: public, address: \"\(address)\" }]\n"
        try folder.write("routes.yaml", "state: state\naccess_log: false\n" + listeners + Self.routes)
        let process = try ChildProcess(
            ["python3", "without.py", "IPv6", GatewayProcess.binary, "serve", "routes.yaml"],
            in: folder.path
        )
        defer { process.end() }
        try Deadline.wait(for: "the gateway\n\(process.errors)") {
            #expect(process.exitStatus == nil, "\(process.errors)")
            return process.exitStatus != nil || process.errors.contains("curl ")
        }
        let line = try #require(process.errors.split(separator: "\n").first { $0.contains("curl ") })
        let outcome = try ChildProcess.run(["sh", "-c", "\(line) --silent --max-time 20"])
        #expect(outcome.output.hasSuffix("ok"), "\(line): \(outcome)")
    }

    @Test(arguments: [("auto", "info"), ("io_uring", "warning")])
    func `without io_uring it says so and serves`(_ io: String, _ level: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("without.py", Self.without)
        let yaml = "version: 1\nio: \(io)\nstate: state\nlisteners: [{ name: public, address: \"unix:public.sock\" }]\n"
        try folder.write("routes.yaml", yaml + Self.routes)
        let process = try ChildProcess(
            ["python3", "without.py", "io_uring", GatewayProcess.binary, "serve", "routes.yaml"],
            in: folder.path
        )
        defer { process.end() }
        let ask = ["curl", "--silent", "--unix-socket", "\(folder.path)/public.sock", "http://localhost/"]
        try Deadline.wait(for: "an answer\n\(process.errors)") { try ChildProcess.run(ask).output == "ok" }
        let line = try #require(process.errors.split(separator: "\n").first { $0.contains("io_uring") })
        #expect(line.contains(" \(level) there is no io_uring: the loops do with epoll"), "\(line)")
    }

    @Test func `without descriptors it says so, goes on, and accepts again later`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            loops: 1
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - { path: /fixed, respond: { body: ok } }
              - { path: "/{rest*}", upstream: service }
            """
        try withGateway(yaml, descriptors: 48) { gateway throws in
            // Busy ones, so that none of them can be closed to make room.
            let busy = try (0..<60).map { _ in
                let client = try gateway.connect()
                try client.send("GET /fixed HTTP/1.1\r\nHost:")
                return client
            }
            try gateway.waitForLog("cannot accept a connection")
            #expect(gateway.log.contains("Too many open files"))
            for client in busy.prefix(5) {
                try client.send(" a\r\n\r\n")
                #expect(try client.response().text == "ok")
            }
            for client in busy { client.close() }
            try Deadline.wait(for: "a new connection") { try gateway.answer("GET /").text == "echo" }
            let lines = gateway.log.split(separator: "\n").count
            #expect(lines < 200)
        }
    }

    @Test func `without descriptors for an upstream it answers 503, and blames no endpoint`() throws {
        let upstreams = try (0..<2).map { _ in try ScriptedUpstream.echo() }
        let yaml = """
            loops: 1
            access_log: { to: stdout }
            upstreams:
              service:
                endpoints: ["\(upstreams[0].url)", "\(upstreams[1].url)"]
                health: { passive: { failures: 1 }, active: { interval: 20ms } }
                keepalive: { connections: 0 }
            routes: [{ path: /, upstream: service }]
            """
        try withGateway(yaml, descriptors: 48) { gateway throws in
            let busy = try (0..<60).map { _ in
                let client = try gateway.connect()
                try client.send("GET / HTTP/1.1\r\nHost:")
                return client
            }
            try gateway.waitForLog("cannot accept a connection")
            // The first ones may get the descriptor of a health check that was under way.
            let answers = try busy.prefix(25).map { client in
                try client.send(" a\r\n\r\n")
                return try client.response()
            }
            let refusal = try #require(answers.first { $0.status == 503 })
            #expect(refusal["retry-after"] == "1")
            try gateway.waitForLog("cannot connect to an upstream")
            let lines = try gateway.waitForAccessLog(answers.count)
            #expect(lines.contains { $0.contains("error=\"gateway: socket: Too many open files\"") }, "\(lines)")
            for client in busy { client.close() }
            try Deadline.wait(for: "an answer") { try gateway.answer("GET /").text == "echo" }
            #expect(!gateway.log.contains("an endpoint is out"), "\(gateway.log)")
        }
    }

    @Test func `a limit of descriptors that is very low is said at the start`() throws {
        try withGateway("loops: 1\n" + Self.routes, descriptors: 64) { gateway throws in
            try gateway.waitForLog("the limit of open files is very low")
            #expect(gateway.log.contains("limit=64"), "\(gateway.log)")
        }
        try withGateway("loops: 1\n" + Self.routes, descriptors: 1024) { gateway throws in
            try gateway.waitForLog("serving")
            #expect(!gateway.log.contains("very low"), "\(gateway.log)")
        }
    }

    /// From memory that does not suffice for the program itself to memory for all of its threads.
    @Test func `where there are no threads to be had it says so and ends, and else it serves`() throws {
        let folder = try TemporaryFolder()
        let yaml = "version: 1\nstate: state\nloops: 2\nlisteners: [{ name: public, address: \"unix:public.sock\" }]\n"
        try folder.write("routes.yaml", yaml + Self.routes)
        var refusals = 0
        var serving = 0
        for mebibytes in stride(from: 16, to: 512, by: 4) where serving < 4 {
            let gateway = try ChildProcess(
                ["prlimit", "--as=\(mebibytes << 20)", GatewayProcess.binary, "serve", "routes.yaml"],
                in: folder.path,
                environment: ["SWIFT_BACKTRACE": "enable=no"]
            )
            defer { gateway.end() }
            try Deadline.wait(for: "the gateway with \(mebibytes) MiB\n\(gateway.errors)") {
                gateway.exitStatus != nil || gateway.errors.contains(" serving ")
            }
            if let status = gateway.exitStatus {
                #expect(status != 0, "\(mebibytes) MiB: \(gateway.errors)")
                if gateway.errors.contains("error: cannot start the loops: pthread_create: ") {
                    #expect(status == 2)
                    refusals += 1
                }
            } else {
                let client = try RawClient(.unix("\(folder.path)/public.sock"))
                #expect(try client.answer("GET /").text == "ok", "\(mebibytes) MiB")
                gateway.signal(SIGTERM)
                #expect(try gateway.waitForExit() == 0, "\(mebibytes) MiB: \(gateway.errors)")
                serving += 1
            }
        }
        #expect(refusals > 0 && serving == 4)
    }

    @Test func `an access log that cannot be written is said once`() throws {
        try withGateway("loops: 1\naccess_log: { to: /dev/full }\n" + Self.routes) { gateway throws in
            for _ in 0..<20 { #expect(try gateway.answer("GET /").text == "ok") }
            try gateway.waitForLog("cannot write the access log; its lines are dropped")
            for _ in 0..<20 { #expect(try gateway.answer("GET /").text == "ok") }
            let lines = gateway.log.split(separator: "\n").filter { $0.contains("access log") }
            #expect(lines.count == 1 && lines[0].contains("/dev/full"), "\(gateway.log)")
        }
    }

    @Test func `idle connections make room where descriptors run out`() throws {
        try withGateway("loops: 1\n" + Self.routes, descriptors: 48) { gateway throws in
            var kept: [RawClient] = []
            for _ in 0..<100 {
                let client = try gateway.connect()
                #expect(try client.answer("GET /").text == "ok")
                kept.append(client)
            }
        }
    }

    @Test func `the soft limit of descriptors is raised to the hard one`() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "routes.yaml",
            "version: 1\nlisteners: [{ name: public, address: \"unix:a.sock\" }]\n" + Self.routes
        )
        let process = try ChildProcess(
            ["prlimit", "--nofile=256:4096", GatewayProcess.binary, "serve", "routes.yaml"],
            in: folder.path
        )
        defer { process.end() }
        try Deadline.wait(for: "the gateway\n\(process.errors)") { process.errors.contains("serving") }
        let line = TemporaryFolder.contents("/proc/\(process.pid)/limits").split(separator: "\n")
            .first { $0.hasPrefix("Max open files") }
        #expect(line?.split(separator: " ").dropFirst(3).prefix(2).map(String.init) == ["4096", "4096"])
    }
}
