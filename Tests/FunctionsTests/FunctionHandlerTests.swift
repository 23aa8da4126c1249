import PenstockBytes
import PenstockFunctions
import PenstockObservability
import PenstockRouting
import PenstockTransport
import TestSupport
import Testing

@Suite("From a function's answer to a response")
struct FunctionAnswerTests {
    @Test(arguments: AnswerCase.replies)
    func `a reply becomes this response`(_ row: AnswerCase) throws {
        let reply = row.reply
        let function = FakeFunction { $1.reply($0, reply.status, reply.fields, reply.body) }
        let front = try ScriptedFront(function.handler())
        let answer = front.answer("GET /")
        #expect(answer.isWhole)
        let text = AnswerCase.text(answer, failure: front.lastFailure)
        #expect(text == row.answer, "\(String(decoding: text, as: UTF8.self))")
    }

    @Test(arguments: AnswerCase.results)
    func `a JSON result becomes this response`(_ row: AnswerCase) throws {
        let json = AnswerCase.bytes(row.input)
        let function = FakeFunction { invocation, observer in
            json.withUnsafeBytes { observer.returned(invocation, json: $0) }
        }
        let front = try ScriptedFront(function.handler())
        let text = AnswerCase.text(front.answer("GET /"), failure: front.lastFailure)
        #expect(text == row.answer, "\(String(decoding: text, as: UTF8.self))")
    }

    @Test(arguments: BootstrapTests.bodies)
    func `a command's result is judged as a handler's is`(_ result: String, _ body: String?) throws {
        let function = FakeFunction { invocation, observer in
            Array(result.utf8).withUnsafeBytes { observer.returned(invocation, json: $0) }
        }
        let answer = try ScriptedFront(function.handler()).answer("GET /")
        #expect(answer.status == (body == nil ? 502 : 200))
        if let body { #expect(answer.text == body) }
    }

    @Test
    func `HEAD has the length of the body and no body`() throws {
        let function = FakeFunction { $1.reply($0, 200, [], Array("hello".utf8)) }
        let answer = try answerOverBoth("HEAD /") { function.handler() }
        #expect(answer.status == 200)
        #expect(answer.contentLength == 5)
        #expect(answer.body.isEmpty)
    }

    @Test
    func `a large body comes whole, whatever the front`() throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let function = FakeFunction { $1.reply($0, 200, Array("content-type: image/png\r\n".utf8), body) }
        let answer = try answerOverBoth("GET /") { function.handler() }
        #expect(answer.body.outline == body.outline)
    }

    @Test
    func `more than 64 KiB of fields are refused`() throws {
        let fields = Array("x-a: 1234567890\r\n".utf8)
        let function = FakeFunction { invocation, observer in
            observer.reply(invocation, 200, Array((0..<4000).map { _ in fields }.joined()))
        }
        let front = try ScriptedFront(function.handler())
        #expect(front.answer("GET /").status == 502)
        #expect(front.lastFailure?.contains("the headers take 68000 bytes") == true)
    }

    @Test
    func `what is wrong with an answer is a line in the log of its function`() throws {
        let function = FakeFunction { $1.reply($0, 600) }
        let front = try ScriptedFront(function.handler())
        #expect(front.answer("GET /").status == 502)
        let line = "[ERROR] Runtime.InvalidResponse: the status must be a number from 200 to 599, not 600"
        #expect(function.lines.all.map { String($0.drop { $0 != "[" }) } == [line])
    }

    @Test
    func `the client learns nothing of an error but its status`() throws {
        let error = InvocationError(.function, type: "ValueError", message: "secret detail")
        let function = FakeFunction { $1.failed($0, error) }
        let front = try ScriptedFront(function.handler())
        let answer = front.answer("GET /")
        #expect(answer.status == 502)
        #expect(answer.text.hasPrefix("{\"message\":\"Internal server error\",\"requestId\":\""))
        #expect(!answer.text.contains("secret") && !answer.text.contains("ValueError"))
        #expect(front.lastFailure == "ValueError: secret detail")
    }

    @Test(arguments: [
        InvocationError(.queueFull, type: "Gateway.QueueFull", message: "as many"),
        InvocationError(.queueTimeout, type: "Gateway.QueueTimeout", message: "no instance"),
    ])
    func `a refusal that no instance knows of is a line in the log`(_ error: InvocationError) throws {
        let function = FakeFunction { $1.failed($0, error) }
        let front = try ScriptedFront(function.handler())
        #expect(front.answer("GET /").status == 503)
        #expect(function.lines.all.map { String($0.drop { $0 != "[" }) } == ["[ERROR] \(error.type): \(error.message)"])
    }

    @Test
    func `so is a body that there is no room for`() throws {
        let function = FakeFunction { $1.reply($0, 200) }
        let front = try ScriptedFront(function.handler(budget: BufferBudget(limit: 10)))
        #expect(front.answer("POST /", body: Array(repeating: 1, count: 100)).status == 503)
        #expect(function.lines.all.count { $0.contains("[ERROR] Gateway.Throttled: ") } == 1)
    }

    @Test(arguments: FailureRow.all)
    func `a failure has this status`(_ row: FailureRow) throws {
        let function = FakeFunction { $1.failed($0, InvocationError(row.kind, type: "T", message: "m")) }
        let front = try ScriptedFront(function.handler())
        let answer = front.answer("GET /")
        #expect(answer.status == row.status)
        #expect(answer.text.contains("\"message\":\"\(row.message)\""))
        #expect(answer["retry-after"] == (row.status == 503 ? "1" : nil))
        #expect(front.lastFailure == "T: m")
        #expect(function.count(row.status == 503 ? .functionThrottles : .functionErrors, row.kind.rawValue) == 1)
    }
}

/// A row of the failure table (functions.md, section 5).
struct FailureRow: CustomTestStringConvertible, Sendable {
    let kind: InvocationError.Kind
    let status: Int
    let message: String
    var testDescription: String { kind.rawValue }

    static let all: [FailureRow] = [
        .init(kind: .function, status: 502, message: "Internal server error"),
        .init(kind: .start, status: 502, message: "Internal server error"),
        .init(kind: .exited, status: 502, message: "Internal server error"),
        .init(kind: .violation, status: 502, message: "Internal server error"),
        .init(kind: .tooLarge, status: 502, message: "Internal server error"),
        .init(kind: .invalidResponse, status: 502, message: "Internal server error"),
        .init(kind: .timedOut, status: 504, message: "Endpoint request timed out"),
        .init(kind: .queueFull, status: 503, message: "Service Unavailable"),
        .init(kind: .queueTimeout, status: 503, message: "Service Unavailable"),
        .init(kind: .gateway, status: 503, message: "Service Unavailable"),
    ]
}

@Suite("From a request to an invocation")
struct FunctionHandlerTests {
    private let ok: (Invocation, any InvocationObserver) -> Void = { $1.reply($0, 200, [], Array("ok".utf8)) }

    @Test
    func `a body is collected, whatever the steps it comes in`() throws {
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
        var bodies: [String?] = []
        for window in [1000, 65_536] {
            let function = FakeFunction(ok)
            let front = try ScriptedFront(function.handler())
            front.window = window
            #expect(front.answer("POST /up\nContent-Type: image/png", body: body).text == "ok")
            let event = try JSONValue(parsing: try #require(function.events.first))
            #expect(event["isBase64Encoded"] == true)
            bodies.append(event["body"]?.string)
        }
        var expected = ByteBuffer()
        body.withUnsafeBytes { Base64.encode($0, to: &expected) }
        let text = String(decoding: expected.readable, as: UTF8.self)
        #expect(bodies == [text, text])
    }

    @Test
    func `both fronts bring the same event`() throws {
        let function = FakeFunction(ok)
        _ = try answerOverBoth("POST /a?b=c\nContent-Type: text/plain", body: Array("text".utf8)) { function.handler() }
        let events = try function.events.map { try JSONValue(parsing: $0) }
        #expect(events.count == 2)
        for key in ["rawPath", "rawQueryString", "body", "queryStringParameters", "routeKey"] {
            #expect(events[0][key] == events[1][key])
        }
    }

    @Test
    func `the frame before the event carries the request's names`() throws {
        let function = FakeFunction()
        let front = try ScriptedFront(function.handler(), trusted: true)
        let script = front.begin(
            "GET /\nX-Request-Id: abc.1\nX-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678"
        )
        let invocation = try #require(function.waiting.first)
        #expect(String(decoding: invocation.requestID, as: UTF8.self) == "abc.1")
        let frame = String(decoding: invocation.frame.readable[22..<invocation.eventStart], as: UTF8.self)
        #expect(frame == "request-id: abc.1\r\ntrace-id: Root=1-67891233-abcdef012345678912345678\r\n")
        function.answerNext(ok)
        script.advance()
        #expect(script.answer.text == "ok")
    }

    @Test(arguments: ["Root=1 2", "caf\u{e9}", String(repeating: "x", count: 129)])
    func `what is no trace id is left out`(_ value: String) throws {
        let function = FakeFunction()
        let front = try ScriptedFront(function.handler())
        let script = front.begin("GET /\nX-Amzn-Trace-Id: \(value)")
        #expect(try #require(function.waiting.first).traceID.isEmpty)
        script.leave()
    }

    @Test
    func `a client that waits for 100 is told to go on`() throws {
        let function = FakeFunction(ok)
        let front = try ScriptedFront(function.handler())
        let answer = front.answer("POST /\nExpect: 100-continue", body: [1, 2, 3])
        #expect(answer.interim == [100])
        #expect(answer.status == 200)
    }

    @Test
    func `a body that says that it is over 6 MiB is refused before it comes`() throws {
        let function = FakeFunction(ok)
        let front = try ScriptedFront(function.handler())
        let body = [UInt8](repeating: 65, count: FunctionHandler.bodyLimit + 1)
        let answer = front.answer("POST /\nExpect: 100-continue", body: body)
        #expect(answer.status == 413)
        #expect(answer.interim.isEmpty)
        #expect(function.events.isEmpty)
    }

    @Test
    func `a body of 6 MiB is taken`() throws {
        let function = FakeFunction(ok)
        let front = try ScriptedFront(function.handler())
        front.window = 65_536
        let body = [UInt8](repeating: 65, count: FunctionHandler.bodyLimit)
        #expect(front.answer("POST /\nContent-Type: text/plain", body: body).status == 200)
        #expect(function.events.first.map { $0.utf8.count > FunctionHandler.bodyLimit } == true)
    }

    @Test
    func `bodies take no more than the budget together, and give it back`() throws {
        let function = FakeFunction()
        let budget = BufferBudget(limit: 5000)
        let front = try ScriptedFront(function.handler(budget: budget))
        front.window = 65_536
        let first = front.begin("POST /", body: [UInt8](repeating: 65, count: 3000))
        first.advance()
        #expect(budget.used >= 3000)
        let refused = front.answer("POST /", body: [UInt8](repeating: 65, count: 3000))
        #expect(refused.status == 503)
        #expect(refused["retry-after"] == "1")
        #expect(front.lastFailure?.contains("limits.buffered") == true)
        #expect(function.count(.functionThrottles, "gateway") == 1)
        function.answerNext(ok)
        #expect(budget.used == 0)
        #expect(first.answer.text == "ok")
    }

    @Test
    func `a new limit of the budget counts what is taken already`() throws {
        let function = FakeFunction()
        let budget = BufferBudget(limit: 1 << 20)
        let front = try ScriptedFront(function.handler(budget: budget))
        front.window = 65_536
        let first = front.begin("POST /", body: [UInt8](repeating: 65, count: 3000))
        first.advance()
        budget.limit = 4000
        #expect(front.answer("POST /", body: [UInt8](repeating: 65, count: 1500)).status == 503)
        function.answerNext(ok)
        #expect(first.answer.text == "ok")
        #expect(budget.used == 0)
    }

    @Test
    func `two bodies that outgrow the budget while they come are not both taken`() throws {
        let function = FakeFunction()
        let budget = BufferBudget(limit: 5000)
        let front = try ScriptedFront(function.handler(budget: budget))
        front.window = 1000
        let scripts = (0..<2).map { _ in front.begin("POST /", body: [UInt8](repeating: 65, count: 4000)) }
        for _ in 0..<6 { for script in scripts { script.advance() } }
        #expect(scripts.filter { $0.answer.status == 503 }.count == 1)
        #expect(function.waiting.count == 1)
        function.answerNext(ok)
        #expect(budget.used == 0)
    }

    @Test
    func `a client that leaves while its body comes leaves nothing behind`() throws {
        let function = FakeFunction()
        let budget = BufferBudget(limit: 1 << 20)
        let front = try ScriptedFront(function.handler(budget: budget))
        let script = front.begin("POST /", body: [UInt8](repeating: 65, count: 3000))
        script.advance()
        #expect(budget.used > 0)
        script.leave()
        #expect(budget.used == 0)
        #expect(function.events.isEmpty)
    }

    @Test
    func `what has not started leaves the queue with its client`() throws {
        let function = FakeFunction()
        let budget = BufferBudget(limit: 1 << 20)
        let front = try ScriptedFront(function.handler(budget: budget))
        front.window = 65_536
        let script = front.begin("POST /", body: [UInt8](repeating: 65, count: 3000))
        script.advance()
        #expect(function.waiting.count == 1)
        script.leave()
        #expect(function.waiting.isEmpty)
        #expect(budget.used == 0)
        #expect(function.count(.functionInvocations) == 0)
    }

    @Test
    func `what has started runs on, and its answer does not reach the next request`() throws {
        let function = FakeFunction()
        function.hasStarted = true
        let front = try ScriptedFront(function.handler())
        let gone = front.begin("GET /gone")
        gone.leave()
        let next = front.begin("GET /next")
        #expect(function.waiting.map(\.isAbandoned) == [true, false])
        function.answerNext { $1.reply($0, 200, [], Array("for the one that left".utf8)) }
        #expect(next.answer.status == 0)
        function.answerNext(ok)
        next.advance()
        #expect(next.answer.text == "ok")
        #expect(function.count(.functionInvocations) == 2)
    }

    @Test
    func `the route's time passes, and the function runs on`() throws {
        let function = FakeFunction()
        function.hasStarted = true
        let table = try RouteTable([RouteDescription(name: "r", path: "/{rest*}")])
        let route = Route(
            index: 0,
            name: "r",
            target: RouteTarget(kind: .function, handler: function.handler()),
            parameterNames: ["rest"],
            timeout: 10_000_000
        )
        let front = try ScriptedFront(Router(table: table, routes: [route]))
        let answer = front.answer("GET /slow")
        #expect(answer.status == 504)
        #expect(answer.text.contains("\"message\":\"Endpoint request timed out\""))
        #expect(front.lastFailure == "the route's timeout")
        #expect(function.waiting.map(\.isAbandoned) == [true])
        function.answerNext(ok)
        #expect(function.count(.functionInvocations) == 1)
    }

    @Test
    func `answers may come in any order`() throws {
        let function = FakeFunction()
        let front = try ScriptedFront(function.handler())
        let scripts = (0..<5).map { front.begin("GET /\($0)") }
        for index in [4, 0, 3, 1, 2] {
            let invocation = function.waiting[index]
            invocation.runNanoseconds = 1
            invocation.observer?.reply(invocation, 200, [], Array("\(index)".utf8))
        }
        #expect(scripts.map(\.answer.text) == ["0", "1", "2", "3", "4"])
    }

    @Test
    func `an invocation is counted with its times`() throws {
        let function = FakeFunction(ok)
        let front = try ScriptedFront(function.handler())
        _ = front.answer("GET /")
        #expect(function.count(.functionInvocations) == 1)
        #expect(function.count(.functionRunDuration) == 1)
        #expect(function.count(.functionQueueDuration) == 1)
    }

    @Test
    func `invocations are used again`() throws {
        let function = FakeFunction(ok)
        let handler = function.handler()
        let front = try ScriptedFront(handler)
        var seen: Set<ObjectIdentifier> = []
        function.answers = { invocation, observer in
            seen.insert(ObjectIdentifier(invocation))
            observer.reply(invocation, 200)
        }
        for _ in 0..<10 { #expect(front.answer("GET /").status == 200) }
        #expect(seen.count == 1)
    }
}
