import PenstockBytes
import PenstockHTTP
import PenstockRouting
import PenstockTransport
import TestSupport
import Testing

/// Answers with the route's name and parameters.
private final class Echo: Handler {
    func handle(_ exchange: Exchange) {
        var text = exchange.route?.name ?? "none"
        for (name, range) in zip(exchange.route?.parameterNames ?? [], exchange.parameters) {
            text += " \(name)=\(String(decoding: exchange.head.routedPath[range], as: UTF8.self))"
        }
        exchange.respond(end: false)
        Array(text.utf8).withUnsafeBytes { _ = exchange.write($0.bytes) }
        exchange.end()
    }
}

private final class Stage: RequestStage {
    let note: String
    let verdict: StageVerdict
    init(_ note: String, _ verdict: StageVerdict = .pass) {
        self.note = note
        self.verdict = verdict
    }

    func apply(to exchange: Exchange) -> StageVerdict {
        exchange.response.fields.append(.other, "x-stage", note)
        if case .answered = verdict { exchange.respond(end: true) }
        return verdict
    }
}

@Suite("Router")
struct RouterTests {
    private func router(_ stages: [any RequestStage], bodyLimit: Int) throws -> Router {
        let descriptions = [
            RouteDescription(name: "user", path: "/users/{id}", methods: ["GET", "POST"]),
            RouteDescription(name: "shop", path: "/shop/{rest*}", hosts: ["shop.test"]),
            RouteDescription(name: "inner", path: "/inner", listeners: [1]),
            RouteDescription(name: "all", path: "/all"),
        ]
        let table = try RouteTable(descriptions)
        let routes = descriptions.indices.map { index in
            Route(
                index: index,
                name: descriptions[index].name,
                target: RouteTarget(kind: .respond, handler: Echo()),
                parameterNames: table.parameterNames(of: index),
                bodyLimit: bodyLimit,
                requestStages: stages
            )
        }
        return Router(table: table, routes: routes)
    }

    private func answer(
        _ request: String,
        body: [UInt8] = [],
        stages: [any RequestStage] = [],
        bodyLimit: Int = .max,
        listener: Int = 0
    ) throws -> ScriptedAnswer {
        try answerOverBoth(request, body: body, listener: listener) { try router(stages, bodyLimit: bodyLimit) }
    }

    @Test(arguments: [
        ("GET /users/7", "user id=7"), ("GET /users/a%2fb?x", "user id=a%2Fb"), ("HEAD /users/7", ""),
        ("GET /shop/a/b\nHost: shop.test:8080", "shop rest=a/b"), ("OPTIONS /all", "all"), ("BREW /all", "all"),
        ("GET http://shop.test/shop\nHost: shop.test", "shop rest="),
    ])
    func `a request comes to its route's handler`(_ request: String, _ text: String) throws {
        let answer = try self.answer(request)
        #expect(answer.status == 200)
        #expect(answer.text == text)
    }

    @Test
    func `without a route it answers 404 as JSON with the request's id`() throws {
        let answer = try self.answer("GET /nothing")
        #expect(answer.status == 404)
        #expect(answer["content-type"] == "application/json")
        #expect(answer.text.hasPrefix("{\"message\":\"Not Found\",\"requestId\":\""))
    }

    @Test
    func `a method that no route takes is 405 with Allow`() throws {
        let answer = try self.answer("DELETE /users/7")
        #expect(answer.status == 405)
        #expect(answer["allow"] == "GET, HEAD, POST, OPTIONS")
        #expect(answer.text.hasPrefix("{\"message\":\"Method Not Allowed\""))
    }

    @Test(arguments: ["OPTIONS /users/7", "OPTIONS *"])
    func `OPTIONS that no route takes is answered from the table`(_ request: String) throws {
        let answer = try self.answer(request)
        #expect(answer.status == 204)
        #expect(answer["allow"]?.hasPrefix("GET, HEAD, POST") == true)
        #expect(answer.body.isEmpty)
    }

    @Test(arguments: ["TRACE /all", "CONNECT example.com:443\nHost: example.com:443"])
    func `TRACE and CONNECT are never served`(_ request: String) throws {
        let answer = try self.answer(request)
        #expect(answer.status == 405)
        #expect(answer["allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH")
    }

    @Test
    func `a listener has its own routes`() throws {
        #expect(try answer("GET /inner", listener: 1).text == "inner")
        #expect(try answer("GET /inner", listener: 0).status == 404)
    }

    @Test
    func `stages run in order until one answers`() throws {
        let passing = try self.answer("GET /all", stages: [Stage("1"), Stage("2")])
        #expect(passing["x-stage"] == "1, 2")
        #expect(passing.text == "all")
        let stopped = try self.answer("GET /all", stages: [Stage("1"), Stage("2", .answered), Stage("3")])
        #expect(stopped["x-stage"] == "1, 2")
        #expect(stopped.text.isEmpty)
    }

    @Test
    func `a body that is announced as too large is refused before anybody sees it`() throws {
        let refused = try self.answer("POST /all", body: Array(repeating: 1, count: 11), bodyLimit: 10)
        #expect(refused.status == 413)
        #expect(try answer("POST /all", body: Array(repeating: 1, count: 10), bodyLimit: 10).status == 200)
    }

    @Test
    func `one exchange after the other is served with fresh parameters`() throws {
        let front = try ScriptedFront(try router([], bodyLimit: .max))
        for index in 0..<100 {
            #expect(front.answer("GET /users/\(index)").text == "user id=\(index)")
            #expect(front.answer("GET /all").text == "all")
        }
    }
}
