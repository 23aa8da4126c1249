import PenstockBytes
import PenstockFilters
import PenstockHTTP
import PenstockTransport
import TestSupport
import Testing

/// A route with stages before ``Echo``.
private final class Mirror: Handler {
    let route: Route

    init(request: [any RequestStage] = [], response: [any ResponseStage] = []) {
        let target = RouteTarget(kind: .respond, handler: Echo())
        route = Route(index: 0, name: "r", target: target, requestStages: request, responseStages: response)
    }

    func handle(_ exchange: Exchange) {
        // The last segment is the only parameter, `x`.
        let path = exchange.head.path
        exchange.parameters = [((path.lastIndex(of: ASCII.slash) ?? 0) + 1)..<path.count]
        exchange.run(route)
    }
}

/// Shows what the target sees as the body, and answers with fields of an upstream.
private final class Echo: Handler {
    func handle(_ exchange: Exchange) {
        var body = ByteBuffer()
        body.append(exchange.head.path)
        if let query = exchange.head.query {
            body.append(ASCII.question)
            body.append(query)
        }
        body.append("\r\n")
        exchange.head.fields.write(to: &body)
        exchange.response.fields.append(.server, "Server", "upstream")
        exchange.response.fields.append(.other, "X-Old", "1")
        exchange.response.fields.append(.other, "x-old", "2")
        exchange.respond(end: false)
        exchange.write(body.readable.bytes)
        exchange.end()
    }
}

@Suite("Filters")
struct FilterTests {
    private func edits(_ set: [(String, String)], remove: [String] = []) throws -> FieldEdits {
        try FieldEdits(
            set: try set.map { name, text in
                let template = try RequestTemplate(parsing: text, for: .field, parameters: ["x"])
                return FieldEdits.Setting(name: name, value: .template(template))
            },
            remove: remove
        )
    }

    private func seen(_ request: String, _ stages: [any RequestStage]) throws -> ScriptedAnswer {
        try answerOverBoth(request) { Mirror(request: stages) }
    }

    /// Whether the route's path ends in a slash, the request, and where it is sent; `nil`: it passes.
    @Test(
        arguments: [
            (true, "GET /a/", nil), (true, "GET /a", "/a/"), (false, "GET /a", nil), (false, "GET /a/?b=c", "/a?b=c"),
            (false, "GET /a/?", "/a?"), (false, "GET //evil.example/", "/.//evil.example"),
            (true, "GET /a%20b", "/a%20b/"),
        ] as [(Bool, String, String?)]
    )
    func `the other form of a path is sent to the route's own`(_ row: (Bool, String, String?)) throws {
        let answer = try seen(row.1, [TrailingSlashStage(hasSlash: row.0)])
        #expect(answer.status == (row.2 == nil ? 200 : 308))
        #expect(answer["location"] == row.2)
    }

    @Test
    func `request fields are removed and set`() throws {
        let edits = try edits(
            [("x-api", "v1"), ("x-id", "<{x}>"), ("user-agent", "penstock")],
            remove: ["X-Debug", "cookie"]
        )
        let request = "GET /a/7\nX-DEBUG: 1\nx-debug: 2\nCookie: a=b\nUser-Agent: curl\nX-Api: evil\nAccept: */*"
        let answer = try seen(request, [RequestFieldsStage(edits)])
        let lines = answer.text.split(separator: "\r\n").map(String.init)
        #expect(lines.contains("x-api: v1"))
        #expect(lines.contains("x-id: <7>"))
        #expect(lines.contains("user-agent: penstock"))
        #expect(lines.contains("Accept: */*"))
        for name in ["debug", "cookie", "curl", "evil"] { #expect(!answer.text.lowercased().contains(name)) }
    }

    @Test
    func `response fields are removed and set, the gateway's own Server too`() throws {
        let edits = try edits([("x-seen", "{host}{path}")], remove: ["server", "X-OLD"])
        let answer = try ScriptedFront(Mirror(response: [ResponseFieldsStage(edits)])).answer("GET /a/7")
        #expect(answer["server"] == nil)
        #expect(answer.omitsServer)
        #expect(answer["x-old"] == nil)
        #expect(answer["x-seen"] == "example.com/a/7")
    }

    @Test
    func `a Server of one's own stays`() throws {
        let edits = try edits([("server", "mine")])
        let answer = try ScriptedFront(Mirror(response: [ResponseFieldsStage(edits)])).answer("GET /a/7")
        #expect(answer["server"] == "mine")
        #expect(!answer.omitsServer)
    }

    @Test
    func `a rewrite changes the path, keeps the query and the values for later stages`() throws {
        let path = try RequestTemplate(parsing: "/v2/{x}/end", for: .path, parameters: ["x"])
        let stages: [any RequestStage] = [
            RewriteStage(path: path), RequestFieldsStage(try edits([("x-id", "{x} of {path}")])),
        ]
        let answer = try seen("GET /old/a%20b?q=1", stages)
        #expect(answer.text.hasPrefix("/v2/a%20b/end?q=1\r\n"))
        #expect(answer.text.contains("x-id: a%20b of /old/a%20b\r\n"))
    }

    @Test
    func `a rewrite that would make a dot segment is 400`() throws {
        let path = try RequestTemplate(parsing: "/.{x}", for: .path, parameters: ["x"])
        let answer = try seen("GET /old/", [RewriteStage(path: path)])
        #expect(answer.status == 400)
        #expect(answer.text.hasPrefix("{\"message\":\"Bad Request\""))
    }

    @Test(arguments: [
        "", "a b", "a:b", "connection", "Content-Length", "transfer-encoding", "te", "upgrade", "keep-alive",
    ])
    func `a name that no edit may have is refused`(_ name: String) {
        #expect(throws: FieldEdits.Problem.self) { try edits([], remove: [name]) }
        #expect(throws: FieldEdits.Problem.self) { try edits([(name, "x")]) }
    }

    @Test
    func `a secret is sent as it is, if it can be sent`() throws {
        let secret = FieldEdits.Setting(name: "authorization", value: .literal(Array("Bearer {x}".utf8)))
        let answer = try seen("GET /a", [RequestFieldsStage(try FieldEdits(set: [secret], remove: []))])
        #expect(answer.text.contains("authorization: Bearer {x}\r\n"))
        let broken = FieldEdits.Setting(name: "authorization", value: .literal(Array("a\r\nb".utf8)))
        #expect(throws: FieldEdits.Problem.self) { try FieldEdits(set: [broken], remove: []) }
    }
}
