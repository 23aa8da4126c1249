import TestSupport
import Testing

/// `penstock invoke`: one function, once, without a server.
@Suite("40 Invoking by hand", .wholeProcess)
struct InvokeTests {
    private func invoke(
        _ function: FunctionSource,
        _ arguments: String...,
        input: String? = nil
    ) throws -> ChildProcess.Outcome {
        let folder = try TemporaryFolder()
        try function.write(to: folder)
        try folder.write("routes.yaml", "version: 1\n\(serving([function]))")
        try folder.write("event.json", #"{ "rawPath": "/", "name": "Ada" }"#)
        return try ChildProcess.run([GatewayProcess.binary, "invoke"] + arguments, in: folder.path, input: input)
    }

    private static let greeting: [(FunctionRuntime, String)] = [
        (.python, "print('printed'); print('to stderr', file=sys.stderr); return {'hello': event['name']}"),
        (.node, "console.log('printed'); console.error('to stderr'); return { hello: event.name }"),
        (.lines, "os.write(2, b'printed\\nto stderr\\n'); print(json.dumps({'hello': event['name']}))"),
        (.exec, "os.write(2, b'printed\\nto stderr\\n'); print(json.dumps({'hello': event['name']}))"),
    ]

    @Test(arguments: greeting)
    func `the result is on standard output, log and timing on standard error`(
        _ runtime: FunctionRuntime,
        _ code: String
    ) throws {
        let function = FunctionSource(runtime, code)
        let outcome = try invoke(function, "function", "--event", "event.json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = outcome.output.filter { $0 != " " }
        #expect(result == "{\"hello\":\"Ada\"}\n")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.contains { $0.hasSuffix(": printed") } && lines.contains { $0.hasSuffix(": to stderr") })
        let timing = try #require(lines.last)
        #expect(!outcome.errors.contains("[ERROR]"), "\(outcome.errors)")
        #expect(timing.contains(/^function: ok init=[0-9.]+ms run=[0-9.]+ms id=[0-9a-f-]{36}$/), "\(timing)")
        let piped = try invoke(function, "function", "--event", "-", input: #"{"rawPath":"/","name":"Grace"}"#)
        #expect(piped.output.filter { $0 != " " } == "{\"hello\":\"Grace\"}\n")
    }

    @Test(arguments: [
        (FunctionRuntime.python, "raise ValueError('boom')", "ValueError", "boom"),
        (.node, "throw new TypeError('boom')", "TypeError", "boom"),
        (.python, "sys.exit(3)", "Runtime.ExitError", "exit status 3"),
        (.python, "time.sleep(60)", "Sandbox.Timedout", "timed out after 2.00 seconds"),
        (.python, "return object()", "Runtime.MarshalError", "not JSON serializable"),
        (.lines, "sys.exit(3)", "Runtime.ExitError", "exit status 3"),
        (.exec, "sys.exit(3)", "Runtime.ExitError", "exit status 3"),
        (.lines, "print('Hello', flush=True)\ntime.sleep(60)", "Runtime.InvalidResponse", "not JSON"),
        (.exec, "print('Hello')\nsys.exit()", "Runtime.InvalidResponse", "not JSON"),
        (.exec, "sys.exit()", "Runtime.InvalidResponse", "not JSON"),
    ])
    func `a failure is exit code 1, with nothing on standard output`(
        _ runtime: FunctionRuntime,
        _ code: String,
        _ type: String,
        _ message: String
    ) throws {
        let function = FunctionSource(runtime, code, settings: "timeout: 2s")
        let outcome = try invoke(function, "function", "--event", "event.json")
        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("function: failed ") }, "\(outcome.errors)")
        #expect(lines.last?.contains("\"errorType\"") == true && lines.last?.contains(type) == true)
        #expect(lines.last?.contains(message) == true, "\(outcome.errors)")
    }

    @Test func `a function that cannot start is exit code 1 too`() throws {
        let outcome = try invoke(FunctionSource(.python, program: "import nothere"), "function")
        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("Runtime.ImportModuleError"))
    }

    @Test(arguments: [
        (["nobody"], "nobody"), (["function", "--event", "nowhere.json"], "nowhere.json"),
        (["function", "--file", "nowhere.yaml"], "nowhere.yaml"),
    ])
    func `a function, an event or a file that is not there is exit code 2`(
        _ arguments: [String],
        _ name: String
    ) throws {
        let folder = try TemporaryFolder()
        let function = FunctionSource(.python, "return 1")
        try function.write(to: folder)
        try folder.write("routes.yaml", "version: 1\n\(serving([function]))")
        let outcome = try ChildProcess.run([GatewayProcess.binary, "invoke"] + arguments, in: folder.path)
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains(name))
    }
}
