import TestSupport
import Testing

/// Every folder of Examples, through the gateway; those of the shipped routes.yaml are in 70-Readme.
@Suite("70 Examples", .wholeProcess)
struct ExamplesTests {
    private static let examples = "\(GatewayProcess.repository)/Examples"

    /// A gateway with one function at `/`.
    private func withFunction<Result>(
        _ handler: String,
        environment: String = "{}",
        more: String = "",
        folder: TemporaryFolder? = nil,
        _ body: (GatewayProcess) throws -> Result
    ) throws -> Result {
        let yaml = """
            functions:
              example:
                handler: \(Self.examples)/\(handler)
                init_timeout: 60s
                timeout: 30s
                environment: \(environment)
                \(more)
            routes:
              - { path: /, function: example }
            """
        return try withGateway(yaml, folder: folder, body)
    }

    private func post(_ body: String, to gateway: GatewayProcess) throws -> RawResponse {
        try gateway.answer(
            "POST /\nContent-Type: application/json\nContent-Length: \(body.utf8.count)\n\n\(body)"
        )
    }

    @Test func `the handler that imports boto3 runs as it is written`() throws {
        let python = "interpreter: /usr/bin/python3"
        try withFunction("trigger-event/lambda_function.py:lambda_handler", more: python) { gateway throws in
            let answer = try gateway.answer("GET /")
            #expect(answer.status == 200)
            #expect(answer.text == "Hello, Serverless!")
        }
    }

    @Test func `the handler that reads a JSON body runs as it is written`() throws {
        try withFunction("greeting-json/lambda_function.py:lambda_handler") { gateway throws in
            let answer = try post(#"{"name": "Ann"}"#, to: gateway)
            #expect(answer.status == 200)
            #expect(answer.text == "\"Hello, Ann!\"")
            // Without a body there is no JSON to read: the handler raises, and says so in the log alone.
            let failed = try gateway.answer("POST /")
            #expect(failed.status == 502)
            #expect(failed.text.hasPrefix(#"{"message":"#) && !failed.text.contains("Error:"))
        }
    }

    @Test func `the counter counts on, through the gateway and by hand`() throws {
        let folder = try TemporaryFolder()
        let table = "{ COUNTER_TABLE: \(folder.path)/counter.json }"
        try withFunction("counter/index.js:handler", environment: table, folder: folder) { gateway throws in
            #expect(try gateway.answer("POST /").text == #"{"counter":1}"#)
            #expect(try post(#"{"increment": 4}"#, to: gateway).text == #"{"counter":5}"#)
            let event = "\(Self.examples)/counter/event.json"
            let invoked = try ChildProcess.run(
                [GatewayProcess.binary, "invoke", "example", "--event", event],
                in: folder.path
            )
            #expect(invoked.status == 0, "\(invoked.errors)")
            #expect(invoked.output == "{\"counter\":6}\n")
        }
    }

    @Test func `objects are kept in a folder`() throws {
        let folder = try TemporaryFolder()
        let bucket = "{ BUCKET: \(folder.path)/bucket }"
        try withFunction("store-object/index.js:handler", environment: bucket, folder: folder) { gateway throws in
            let answer = try post(#"{"a": 1}"#, to: gateway)
            #expect(answer.status == 201)
            #expect(answer.text == #"{"key":"example.txt"}"#)
            #expect(folder.read("bucket/example.txt") == #"{"a":1}"#)
        }
    }

    @Test func `another service is asked with the body`() throws {
        let service = try ScriptedUpstream { connection in
            while let request = try connection.request() {
                try connection.respond(fields: "content-type: application/json\r\n", "{\"asked\":\"\(request.line)\"}")
            }
        }
        let address = "{ SERVICE: \"\(service.url)/search\" }"
        try withFunction("fetch-relay/index.mjs:handler", environment: address) { gateway throws in
            let answer = try post("pen stock", to: gateway)
            #expect(answer.text == #"{"asked":"GET /search?q=pen%20stock HTTP/1.1"}"#)
            #expect(answer["content-type"] == "application/json")
            #expect(try gateway.answer("POST /").status == 400)
        }
    }

    @Test func `an object is copied from bucket to bucket`() throws {
        let storage = try ScriptedUpstream { connection in
            while try connection.request() != nil {
                let result = "<CopyObjectResult><ETag>\"1\"</ETag></CopyObjectResult>"
                try connection.respond(fields: "content-type: application/xml\r\n", result)
            }
        }
        let folder = try TemporaryFolder()
        try folder.write(
            "routes.yaml",
            """
            functions:
              s3-copy:
                handler: \(Self.examples)/s3-copy/lambda_function.py:lambda_handler
                interpreter: /usr/bin/python3
                init_timeout: 60s
                timeout: 30s
                environment:
                  S3_ENDPOINT: \(storage.url)
                  AWS_ACCESS_KEY_ID: key
                  AWS_SECRET_ACCESS_KEY: secret
                  AWS_DEFAULT_REGION: us-east-1
            """
        )
        let event = "\(Self.examples)/s3-copy/event.json"
        let invoked = try ChildProcess.run([GatewayProcess.binary, "invoke", "s3-copy", "-e", event], in: folder.path)
        #expect(invoked.status == 0, "\(invoked.errors)")
        #expect(invoked.output == #"{"statusCode": 200, "body": "\"File uploaded successfully.\""}"# + "\n")
        let request = try #require(storage.requests.first)
        #expect(request.line == "PUT /destination-bucket/destination-key HTTP/1.1")
        #expect(request["x-amz-copy-source"] == "source-bucket/source-key")
    }
}
