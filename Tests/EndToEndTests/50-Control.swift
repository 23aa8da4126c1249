import Glibc
import TestSupport
import Testing

/// `penstock reload`, and the admin API behind it.
@Suite("50 Control", .wholeProcess)
struct ControlTests {
    private static func answering(_ text: String, _ more: String = "") -> String {
        "\(more)\nversion: 1\nstate: state\naccess_log: false\n"
            + "listeners: [{ name: public, address: \"\(Loopback.listener)\" }]\n"
            + "routes: [{ path: /, respond: { body: \(text) } }]\n"
    }

    private func reload(_ gateway: GatewayProcess, _ arguments: String...) throws -> ChildProcess.Outcome {
        try reload(in: gateway.folder, arguments)
    }

    private func reload(in folder: TemporaryFolder, _ arguments: [String] = []) throws -> ChildProcess.Outcome {
        try ChildProcess.run([GatewayProcess.binary, "reload"] + arguments, in: folder.path, environment: [:])
    }

    @Test func `reload waits until the new configuration serves`() throws {
        try withGateway(Self.answering("one")) { gateway throws in
            for (number, text) in ["two", "three"].enumerated() {
                try gateway.folder.write("routes.yaml", Self.answering(text))
                let outcome = try reload(gateway)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output == "routes.yaml: generation \(number + 2) serves\n")
                #expect(outcome.errors == "")
                #expect(try gateway.answer("GET /").text == text)
            }
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            let outcome = try reload(gateway)
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("no gateway runs with the state folder state:"))
        }
    }

    @Test func `what is wrong is said as check says it, and the old one serves on`() throws {
        let admin = "admin: { address: \"\(Loopback.listener)\" }"
        try withGateway(Self.answering("old", admin)) { gateway throws in
            try gateway.folder.write("routes.yaml", Self.answering("new", admin).replacing("respond", with: "respnd"))
            let outcome = try reload(gateway)
            let check = try ChildProcess.run([GatewayProcess.binary, "check"], in: gateway.folder.path)
            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(!check.errors.isEmpty)
            #expect(outcome.errors == check.errors + "the configuration has errors; the old one serves on\n")
            #expect(try gateway.answer("GET /").text == "old")
            #expect(try gateway.metric("penstock_config_last_reload_successful") == 0)
            #expect(try gateway.metric("penstock_config_generation") == 1)
            let first = try gateway.metric("penstock_config_last_reload_timestamp_seconds")
            #expect(abs(first - Double(time(nil))) < 300)
            // Not even YAML: the folder is the default, or what the command is told.
            try gateway.folder.write("routes.yaml", "state: state\nroutes: [{\n")
            #expect(try reload(gateway).status == 2)
            try gateway.folder.write("other.yaml", "state: state\n")
            #expect(try reload(gateway, "other.yaml").status == 1)
            #expect(try gateway.metric("penstock_config_last_reload_timestamp_seconds") == first)
            try gateway.folder.write("routes.yaml", Self.answering("new", admin))
            #expect(try reload(gateway, "other.yaml").output == "routes.yaml: generation 2 serves\n")
            #expect(try gateway.metric("penstock_config_last_reload_successful") == 1)
            #expect(try gateway.metric("penstock_config_generation") == 2)
            #expect(try gateway.metric("penstock_config_last_reload_timestamp_seconds") > first)
            #expect(try gateway.answer("GET /").text == "new")
        }
    }

    @Test func `what the machine refuses is said too`() throws {
        try withGateway(Self.answering("old")) { gateway throws in
            let taken = try gateway.address().description
            let yaml = Self.answering("new").replacing(Loopback.listener, with: taken)
            try gateway.folder.write("routes.yaml", yaml)
            let outcome = try reload(gateway)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("listener 'public': cannot listen on \(taken): Address already in use"))
            #expect(outcome.errors.hasSuffix("; the old one serves on\n"))
            #expect(try gateway.answer("GET /").text == "old")
        }
    }

    @Test func `commands and signals take turns`() throws {
        try withGateway(Self.answering("old")) { gateway throws in
            try gateway.folder.write("routes.yaml", Self.answering("new"))
            let commands = try (0..<6).map { _ in
                gateway.process.signal(SIGHUP)
                return try ChildProcess(
                    [GatewayProcess.binary, "reload"],
                    in: gateway.folder.path,
                    name: "reload"
                )
            }
            for command in commands { #expect(try command.waitForExit() == 0, "\(command.errors)") }
            #expect(!gateway.log.contains("configuration not reloaded"))
            #expect(try gateway.answer("GET /").text == "new")
        }
    }

    @Test func `a gateway that is killed leaves nothing in the way of the next`() throws {
        try withGateway(Self.answering("one")) { gateway throws in
            gateway.process.signal(SIGKILL)
            _ = try gateway.process.waitForExit()
            let outcome = try reload(gateway)
            #expect(outcome.status == 2)
            let next = try GatewayProcess(Self.answering("two"), folder: gateway.folder)
            #expect(try reload(next).status == 0)
        }
    }

    @Test func `a folder with a long path has a control socket too`() throws {
        let name = String(repeating: "long", count: 30)
        try withGateway("state: \(name)\n" + Self.answering("one").replacing("state: state\n", with: "")) {
            gateway throws in
            let outcome = try reload(gateway)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
    }

    @Test func `the socket and the token are their owner's alone`() throws {
        try withGateway(Self.answering("one", "admin: { address: \"\(Loopback.listener)\" }")) { gateway throws in
            for (name, mode) in [("", 0o700), ("/control.sock", 0o600), ("/token", 0o600)] {
                var status = stat()
                #expect(stat("\(gateway.folder.path)/state\(name)", &status) == 0, "\(name)")
                #expect(Int(status.st_mode) & 0o777 == mode, "\(name)")
            }
        }
    }

    @Test func `over TCP the API wants the token`() throws {
        let admin = "admin: { address: \"\(Loopback.listener)\" }"
        try withGateway(Self.answering("old", admin)) { gateway throws in
            let token = String(gateway.folder.read("state/token").dropLast())
            #expect(token.count == 64)
            try gateway.folder.write("routes.yaml", Self.answering("new", admin))
            let refused = try gateway.answer("POST /v1/reload", listener: "admin")
            #expect(refused.status == 401)
            #expect(refused["www-authenticate"] == "Bearer")
            let page = "POST /v1/reload\nAuthorization: Bearer \(token)\nOrigin: http://evil.example"
            #expect(try gateway.answer(page, listener: "admin").status == 403)
            #expect(try gateway.answer("GET /v1/reload", listener: "admin")["allow"] == "POST")
            #expect(try gateway.answer("GET /").text == "old")
            let done = try gateway.answer("POST /v1/reload\nAuthorization: Bearer \(token)", listener: "admin")
            #expect(done.status == 200)
            #expect(
                done.text
                    == "{\"configuration\":\"routes.yaml\",\"generation\":2,\"diagnostics\":[],\"text\":\"\"}\n"
            )
            #expect(try gateway.answer("GET /").text == "new")
            try gateway.folder.write("routes.yaml", "routes: [{ path: /, respnd: {} }]\n")
            let wrong = try gateway.answer("POST /v1/reload\nAuthorization: Bearer \(token)", listener: "admin")
            #expect(wrong.status == 422)
            #expect(wrong.text.contains("\"file\":\"routes.yaml\",\"line\":1,\"column\":21,"))
            // The next gateway takes the same.
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.waitForExit() == 0)
            _ = try GatewayProcess(Self.answering("one", admin), folder: gateway.folder)
            #expect(String(gateway.folder.read("state/token").dropLast()) == token)
        }
    }

    @Test(arguments: [("short\n", 0o600), (String(repeating: "x", count: 64), 0o640)])
    func `a token that is no secret ends the start`(_ text: String, _ mode: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write("state/token", text)
        chmod("\(folder.path)/state", 0o700)
        chmod("\(folder.path)/state/token", mode_t(mode))
        try folder.write("routes.yaml", Self.answering("one", "admin: { address: \"\(Loopback.listener)\" }"))
        let outcome = try ChildProcess.run([GatewayProcess.binary, "serve"], in: folder.path)
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("state: cannot use state/token: it is no"))
    }
}
