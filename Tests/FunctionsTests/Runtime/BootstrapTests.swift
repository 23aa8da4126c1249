import PenstockBytes
import PenstockFunctions
import Testing

/// What a handler finds around it; the same in Python and in Node.
@Suite("Bootstraps")
struct BootstrapTests {
    /// A handler, in a language.
    struct Source: Sendable, CustomTestStringConvertible {
        let language: String
        let text: String
        var testDescription: String { language }

        static func python(_ text: String) -> Source { Source(language: "python", text: text) }
        static func node(_ text: String) -> Source { Source(language: "node", text: text) }

        func pool(_ bench: FunctionBench, _ change: (inout FunctionSettings) -> Void = { _ in }) -> InstancePool {
            var settings = language == "python" ? bench.python(text) : bench.node(text)
            change(&settings)
            return bench.pool(settings)
        }
    }

    // MARK: The context

    private static let contexts: [Source] = [
        .python(
            """
            import json
            def handler(event, c):
                return json.dumps([c.aws_request_id, c.function_name, c.function_version, c.invoked_function_arn,
                    c.memory_limit_in_mb, c.log_group_name, c.log_stream_name, c.client_context, c.tenant_id])
            """
        ),
        .node(
            """
            exports.handler = async (event, c) => JSON.stringify([c.awsRequestId, c.functionName, c.functionVersion,
                c.invokedFunctionArn, c.memoryLimitInMB, c.logGroupName, c.logStreamName, c.clientContext ?? null,
                c.tenantId ?? null])
            """
        ),
    ]

    @Test(arguments: contexts)
    func `a context says what Lambda's says`(_ source: Source) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = source.pool(bench) { settings in
            settings.memory = 512 << 20
            settings.environment = FunctionEnvironment.build(for: settings, own: [], gateway: ["PATH": "/usr/bin:/bin"])
        }
        let text = try #require(await bench.call(pool, requestID: "r-7").body)
        let values = try #require(try JSONValue(parsing: text).array)
        #expect(
            values[..<6] == [
                "r-7", "tested", "$LATEST", "arn:aws:lambda:us-east-1:123456789012:function:tested", "512",
                "/aws/lambda/tested",
            ]
        )
        let stream = try #require(values[6].string)
        #expect(try #/\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}/#.wholeMatch(in: stream) != nil)
        #expect(values[7...] == [.null, .null])
    }

    @Test
    func `Python's context has an identity, takes attributes, and writes to the log`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let text = """
            def handler(event, context):
                assert context.identity.cognito_identity_id is None
                assert context.identity.cognito_identity_pool_id is None
                context.user, context.identity, context.tenant_id = "ann", "mine", "t-1"
                context.log("logged\\n")
                return f"{context.user} {context.identity} {context.tenant_id} {'r-1' in repr(context)}"
            """
        #expect(await bench.call(bench.pool(bench.python(text))).body == "ann mine t-1 True")
        #expect(bench.lines.all == ["r-1|logged"])
    }

    @Test(arguments: [
        ("done(null, {statusCode: 201})", 201), ("succeed({statusCode: 202})", 202), ("done(new Error('boom'))", nil),
        ("fail(new Error('boom'))", nil), ("fail('boom')", nil),
    ])
    func `Node's context can answer by itself`(_ call: String, _ status: Int?) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let text = "exports.handler = (event, context) => { setTimeout(() => context.\(call), 1) }"
        let outcome = await bench.call(bench.pool(bench.node(text)))
        #expect(outcome.status == status)
        #expect(outcome.error?.message == (status == nil ? "boom" : nil))
    }

    @Test(arguments: [
        Source.python("def handler(event, context): return str(context.get_remaining_time_in_millis())"),
        .node("exports.handler = async (event, context) => String(context.getRemainingTimeInMillis())"),
    ])
    func `the time left is what the function has, or less where who asked waits less`(_ source: Source) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = source.pool(bench)
        let own = try #require(await bench.call(pool).body.flatMap { Int($0) })
        #expect((1_000...30_000).contains(own))
        let less = try #require(await bench.call(pool, within: 20_000_000_000).body.flatMap { Int($0) })
        #expect((1_000...20_000).contains(less))
        let long = try #require(await bench.call(pool, within: 90_000_000_000).body.flatMap { Int($0) })
        #expect((20_001...30_000).contains(long))
        #expect(await bench.call(pool, within: -1).body == "0")
    }

    // MARK: The environment

    @Test(arguments: [
        Source.python("import os\ndef handler(event, context): return os.environ.get('_X_AMZN_TRACE_ID', 'none')"),
        .node("exports.handler = async () => process.env._X_AMZN_TRACE_ID ?? 'none'"),
    ])
    func `a trace is that of the event, and of no other`(_ source: Source) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = source.pool(bench)
        for trace in ["Root=1-a", "", "Root=1-b", "Root=1-c", ""] {
            #expect(await bench.call(pool, traceID: trace).body == (trace.isEmpty ? "none" : trace))
        }
    }

    @Test(arguments: [
        Source.python(
            "import os, sys\ndef handler(event, context):\n"
                + "    assert os.environ['AWS_EXECUTION_ENV'] == 'AWS_Lambda_python3.%d' % sys.version_info[1]\n"
                + "    return 'as it should be'"
        ),
        .node(
            "exports.handler = async () => process.env.AWS_EXECUTION_ENV === "
                + "`AWS_Lambda_nodejs${process.version.slice(1).split('.')[0]}.x` ? 'as it should be' : 'wrong'"
        ),
    ])
    func `the execution environment has a version`(_ source: Source) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        #expect(await bench.call(source.pool(bench)).body == "as it should be")
    }

    @Test(arguments: [64, 128, 255, 576])
    func `a function starts under a low limit of descriptors`(_ limit: UInt64) async throws {
        let bench = try FunctionBench(fileLimit: (limit, 4096))
        defer { bench.end() }
        let text = "import resource\ndef handler(event, context): return resource.getrlimit(resource.RLIMIT_NOFILE)[0]"
        for _ in 0..<5 { #expect(await bench.call(bench.pool(bench.python(text))).body == "\(limit)") }
    }

    // MARK: Responses

    /// What every language makes of the same result, commands too: a body, or `nil` for a refusal.
    static let bodies: [(result: String, body: String?)] = [
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"SGk="}"#, "Hi"),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"SGk"}"#, "Hi"),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"S\r\nGk=\n"}"#, "Hi"),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":""}"#, ""),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"?"}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"!!!!SGk="}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"SG k="}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"SGk=="}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"SGl="}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"_-8="}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"S"}"#, nil),
        (#"{"statusCode":200,"isBase64Encoded":true,"body":"SGk=SGk="}"#, nil),
        (#"{"statusCode":"0000002005","body":"x"}"#, nil),
        (#"{"statusCode":"","body":"x"}"#, nil),
        (#"{"statusCode":"000000200","body":"x"}"#, "x"),
        (#"{"statusCode":200.0,"body":"x"}"#, "x"),
        (#"{"statusCode":true,"body":"x"}"#, nil),
        (#"{"statusCode":200,"headers":{"a":["b",null]},"body":"x"}"#, "x"),
        (#"{"statusCode":200,"multiValueHeaders":{"a":["b",null],"c":null},"body":"x"}"#, "x"),
    ]

    @Test(arguments: [
        Source.python("import json\ndef handler(event, context): return json.loads(event['result'])"),
        .node("exports.handler = async (event) => JSON.parse(event.result)"),
    ])
    func `all languages agree on what a response is`(_ source: Source) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = source.pool(bench)
        for row in Self.bodies {
            let event: JSONValue = ["result": .string(row.result)]
            let outcome = await bench.call(pool, event.jsonText)
            #expect(outcome.body == row.body, "\(row.result): \(outcome)")
            #expect(outcome.error?.kind == (row.body == nil ? .function : nil))
        }
    }
}
