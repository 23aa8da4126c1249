import TestSupport
import Testing

/// What a function's result becomes (payload 2.0), however it is run.
@Suite("40 Responses of functions", .wholeProcess)
struct FunctionResponseTests {
    /// The function answers with what the request's body says.
    private static func repeating(_ runtime: FunctionRuntime) -> FunctionSource {
        switch runtime {
        case .python: FunctionSource(.python, "return json.loads(event['body'])")
        case .node: FunctionSource(.node, "return JSON.parse(event.body)")
        case .lines: FunctionSource(.lines, "print(json.dumps(json.loads(event['body'])))")
        case .exec: FunctionSource(.exec, "print(event['body'])")
        }
    }

    private static let ours: Set = ["date", "server", "x-request-id"]

    @Test(arguments: FunctionRuntime.allCases)
    func `a result becomes this response`(_ runtime: FunctionRuntime) throws {
        try withFunctions(Self.repeating(runtime)) { gateway throws in
            let client = try gateway.connect()
            for row in ResultCase.all {
                let answer = try client.answer(
                    "POST /\nContent-Type: application/json\nContent-Length: \(row.result.utf8.count)\n\n\(row.result)"
                )
                #expect(answer.status == row.status, "\(row.result)")
                let own = answer.fields.filter { !Self.ours.contains($0.name) }.map { "\($0.name): \($0.value)" }
                #expect(own == row.fields + ["content-length: \(answer.body.count)"], "\(row.result)")
                #expect(answer["server"] == "penstock" && answer["x-request-id"]?.utf8.count == 36)
                // Python writes JSON with spaces.
                #expect(answer.text.replacing("\": ", with: "\":") == row.body, "\(row.result)")
                #expect(!answer.closes)
            }
        }
    }

    @Test func `bytes and binary base64 leave as they are`() throws {
        let body = "bytes(range(256)) * 10"
        let functions = [
            FunctionSource(.python, "return {'statusCode': 200, 'body': \(body)}", name: "bytes"),
            FunctionSource(
                .python,
                "import base64\nreturn {'statusCode': 200, 'body': base64.b64encode(\(body)).decode(), 'isBase64Encoded': True}",
                name: "base64"
            ),
            FunctionSource(
                .node,
                "const body = Buffer.from(Array.from({ length: 2560 }, (_, i) => i % 256)); return { statusCode: 200, body }",
                name: "buffer"
            ),
        ]
        try withFunctions(functions[0], functions[1], functions[2]) { gateway throws in
            let expected = (0..<2560).map { UInt8(truncatingIfNeeded: $0) }
            for function in functions {
                let answer = try gateway.answer("GET /\(function.name)/")
                #expect(answer.status == 200)
                #expect(answer.body.count == 2560 && answer.body.elementsEqual(expected), "\(function.name)")
            }
        }
    }

    @Test func `a field line does not end early, and no function writes into another's response`() throws {
        let rows = [
            #"{"statusCode":200,"headers":{"x-a":"one\r\nset-cookie: forged=1"}}"#,
            #"{"statusCode":200,"headers":{"x-a\r\nset-cookie: forged":"1"}}"#,
            #"{"statusCode":200,"cookies":["a=1\r\n\r\nHTTP/1.1 200 OK"]}"#,
            #"{"statusCode":200,"multiValueHeaders":{"x-a":["one","two\nthree: four"]}}"#,
            #"{"statusCode":200,"headers":{"x a":"1"}}"#, #"{"statusCode":200,"headers":{"":"1"}}"#,
            #"{"statusCode":101,"headers":{"upgrade":"websocket"}}"#, #"{"statusCode":"abc"}"#,
            #"{"statusCode":-200}"#, #"{"statusCode":null}"#, #"{"statusCode":200,"headers":[]}"#,
            #"{"statusCode":200,"headers":{"x-a":{}}}"#, #"{"statusCode":200,"cookies":"a=1"}"#,
            #"{"statusCode":200,"body":["a"]}"#, #"{"statusCode":200,"isBase64Encoded":true,"body":"?"}"#,
        ]
        for runtime in [FunctionRuntime.python, .node, .lines] {
            try withFunctions(Self.repeating(runtime)) { gateway throws in
                let client = try gateway.connect()
                for row in rows {
                    let answer = try client.answer(
                        "POST /\nContent-Type: application/json\nContent-Length: \(row.utf8.count)\n\n\(row)"
                    )
                    #expect(answer.status == 502, "\(runtime): \(row)")
                    #expect(answer["set-cookie"] == nil && answer.text.hasPrefix("{\"message\":"), "\(row)")
                    #expect(client.buffer.isEmpty)
                }
            }
        }
    }

    @Test(arguments: [FunctionRuntime.python, .node, .lines])
    func `HEAD, 204 and 304 have no body`(_ runtime: FunctionRuntime) throws {
        try withFunctions(Self.repeating(runtime)) { gateway throws in
            let client = try gateway.connect()
            for status in [204, 304] {
                let result = #"{"statusCode":\#(status),"headers":{"etag":"\"a\""},"body":"not sent"}"#
                let answer = try client.answer(
                    "POST /\nContent-Type: application/json\nContent-Length: \(result.utf8.count)\n\n\(result)"
                )
                #expect(answer.status == status && answer["etag"] == "\"a\"")
            }
            let head = try client.answer("HEAD /pid")
            #expect(head.status == 200)
            #expect(head["content-length"] == "\(try gateway.text("/pid").utf8.count)")
            #expect(try client.answer("GET /pid").status == 200)
        }
    }
}

/// A result as JSON, and the response that it stands for.
struct ResultCase: Sendable {
    let result: String
    let status: Int
    let fields: [String]
    let body: String

    init(_ result: String, _ status: Int = 200, _ fields: [String]? = nil, _ body: String = "") {
        self.result = result
        self.status = status
        self.fields = fields ?? ["content-type: application/json"]
        self.body = body
    }

    static let all: [ResultCase] = [
        // Whatever has no statusCode is the body itself, a string without its quotes.
        .init(#"{"counter":1}"#, 200, nil, #"{"counter":1}"#),
        .init(#""Hello, \"Ada\"""#, 200, nil, #"Hello, "Ada""#),
        .init("42", 200, nil, "42"), .init("null", 200, nil, "null"), .init("[]", 200, nil, "[]"),
        .init(#"{"headers":{"x-a":"1"}}"#, 200, nil, #"{"headers":{"x-a":"1"}}"#),
        // The status.
        .init(#"{"statusCode":201}"#, 201), .init(#"{"statusCode":"404","body":"none"}"#, 404, nil, "none"),
        .init(#"{"statusCode":200.0}"#), .init(#"{"statusCode":599,"body":""}"#, 599),
        // The body.
        .init(#"{"statusCode":200,"body":"Grüße"}"#, 200, nil, "Grüße"), .init(#"{"statusCode":200,"body":null}"#),
        .init(#"{"statusCode":200,"body":7}"#, 200, nil, "7"),
        .init(#"{"statusCode":200,"body":"SGVsbG8=","isBase64Encoded":true}"#, 200, nil, "Hello"),
        .init(#"{"statusCode":200,"body":"SGVsbG8=","isBase64Encoded":false}"#, 200, nil, "SGVsbG8="),
        // Fields.
        .init(
            #"{"statusCode":200,"headers":{"Content-Type":"text/plain","X-Number":7,"X-True":true,"X-None":null}}"#,
            200,
            ["content-type: text/plain", "x-number: 7", "x-true: true"]
        ),
        .init(
            #"{"statusCode":302,"headers":{"location":"/a"},"cookies":["a=1; Path=/","b=2"]}"#,
            302,
            ["location: /a", "set-cookie: a=1; Path=/", "set-cookie: b=2", "content-type: application/json"]
        ),
        .init(
            #"{"statusCode":200,"headers":{"x-a":"1","x-b":"2"},"multiValueHeaders":{"X-A":["1","3"]}}"#,
            200,
            ["x-b: 2", "x-a: 1", "x-a: 3", "content-type: application/json"]
        ),
        // Not a function's to say (trust.md): framing, fields of one hop, names of ours.
        .init(
            #"{"statusCode":200,"headers":{"content-length":"999","transfer-encoding":"chunked","connection":"close, x-a","keep-alive":"timeout=1","te":"trailers","trailer":"x-t","upgrade":"h2c","x-request-id":"forged","x-penstock-a":"forged","x-a":"kept"},"body":"ok"}"#,
            200,
            ["x-a: kept", "content-type: application/json"],
            "ok"
        ),
        .init(#"{"statusCode":200,"extra":1}"#),
    ]
}
