import Dispatch
import Glibc
import PenstockBytes
import PenstockFunctions
import PenstockNetworking
import PenstockObservability
import PenstockRouting
import PenstockSystem
import PenstockTransport
import Synchronization
import TestSupport
import Testing

@Suite("Swift functions")
struct SwiftFunctionTests {
    // MARK: Answers

    @Test(arguments: Kind.allCases)
    func `it answers with what it makes of the event`(_ kind: Kind) async throws {
        let function = kind.function { event, context in
            Response(
                statusCode: 201,
                headers: ["x-function": context.functionName, "x-id": context.awsRequestID],
                cookies: ["a=1", "b=2; HttpOnly"],
                body: "\(event.requestContext.http.method) \(event.rawPath) \(event.body ?? "-")"
            )
        }
        let front = try Front(function)
        let answer = await front.ask("POST /greet?x=1\nContent-Type: text/plain", body: Array("Ada".utf8))
        #expect(answer.status == 201)
        #expect(answer.text == "POST /greet Ada")
        #expect(answer["x-function"] == "greet")
        #expect(answer["x-id"]?.utf8.count == 36)
        #expect(answer["set-cookie"] == "a=1, b=2; HttpOnly")
        #expect(answer["content-type"] == "text/plain; charset=utf-8")
        #expect(front.metrics.value(.functionInvocations, ["greet"]) == 1)
        #expect(front.runtime.usage.running == 0)
    }

    @Test(arguments: Kind.allCases)
    func `a large body comes and goes whole`(_ kind: Kind) async throws {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let front = try Front(kind.function { event, _ in Response(body: event.bodyBytes) }, window: 16_384)
        let answer = await front.ask("PUT /", body: body)
        #expect(answer.body.outline == body.outline)
        #expect(answer["content-type"] == "application/octet-stream")
        #expect(front.budget.used == 0)
    }

    @Test(arguments: [Kind.inline, .blocking])
    func `both fronts bring the same answer`(_ kind: Kind) throws {
        let function = kind.function { event, _ in
            guard event.rawPath != "/fails" else { throw FunctionError(type: "OrderNotFound", "order 7") }
            return Response(statusCode: 201, headers: ["x-query": event.rawQueryString], body: event.bodyBytes)
        }
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let runtime = SwiftFunctionRuntime(function, settings: .patient("greet"))
        let answer = try answerOverBoth("PUT /a?b=c", body: body) { lateHandler(runtime) }
        #expect(answer.status == 201)
        #expect(answer["x-query"] == "b=c")
        #expect(answer.body.outline == body.outline)
        #expect(try answerOverBoth("GET /fails") { lateHandler(runtime) }.status == 502)
    }

    @Test(arguments: [(204, "GET"), (304, "GET"), (200, "HEAD")])
    func `some answers have no body`(_ status: Int, _ method: String) async throws {
        let front = try Front(.init(blocking: false) { _ in Response(statusCode: status, body: "text") })
        let answer = await front.ask("\(method) /")
        #expect(answer.status == status)
        #expect(answer.text.isEmpty)
        #expect(answer.isWhole)
        #expect(answer.contentLength == (method == "HEAD" ? 4 : nil))
    }

    @Test
    func `fields for one hop are left out, and a type that is given stays`() async throws {
        let front = try Front(
            .init(blocking: false) { _ in
                var response = Response(headers: ["Content-Type": "text/html", "Connection": "close"], body: "<p>")
                response.headers["content-length"] = "99"
                response.headers["transfer-encoding"] = "chunked"
                response.headers.append("x-twice", "1")
                response.headers.append("X-Twice", " 2 ")
                return response
            }
        )
        let answer = await front.ask("GET /")
        #expect(answer["content-type"] == "text/html")
        #expect(answer["connection"] == nil)
        #expect(answer["transfer-encoding"] == nil)
        #expect(answer.contentLength == 3)
        #expect(answer["x-twice"] == "1, 2")
    }

    @Test(arguments: Wrong.cases)
    func `a response that is none is 502, and the log says why`(_ row: Wrong) async throws {
        let front = try Front(.init(blocking: false) { _ in row.response })
        let answer = await front.ask("GET /")
        #expect(answer.status == 502)
        #expect(answer.text.hasPrefix("{\"message\":\"Internal server error\",\"requestId\":\""))
        #expect(front.failure?.contains(row.says) == true, "\(front.failure ?? "no failure")")
    }

    // MARK: Errors

    @Test(arguments: Kind.allCases)
    func `what it throws is 502, with type and text in the log alone`(_ kind: Kind) async throws {
        struct Missing: Error { var what = "secret" }
        let front = try Front(kind.function { _, _ in throw Missing() })
        let answer = await front.ask("GET /")
        #expect(answer.status == 502)
        #expect(!answer.text.contains("secret"))
        #expect(front.failure == "Missing: Missing(what: \"secret\")")
        #expect(front.metrics.value(.functionErrors, ["greet", "function"]) == 1)
        let named = try Front(kind.function { _, _ in throw FunctionError(type: "OrderNotFound", "order 7") })
        #expect(await named.ask("GET /").status == 502)
        #expect(named.failure == "OrderNotFound: order 7")
    }

    @Test(arguments: Kind.allCases)
    func `an error is a line in the log of functions, behind what the function logged`(_ kind: Kind) async throws {
        let folder = try TemporaryFolder()
        let writer = try LogWriter(.file("\(folder.path)/log"))
        let log = FunctionLog(format: .text, writer: writer)
        let front = try Front(
            kind.function { _, context in
                context.log("before")
                throw FunctionError(type: "OrderNotFound", "order 7")
            },
            log: log
        )
        #expect(await front.ask("GET /").status == 502)
        await front.run {
            writer.flush(seconds: 1)
            return folder.read("log").contains("[ERROR] OrderNotFound: order 7\n")
        }
        let lines = folder.read("log").split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasSuffix(": before") && lines[1].contains("greet"), "\(lines)")
    }

    @Test
    func `the time of an event is that of its head, however long the body took`() async throws {
        let front = try Front(
            .init(blocking: false) { event, _ in Response(body: "\(event.requestContext.timeEpoch)") }
        )
        let script = front.begin("POST /", body: Array(repeating: 1, count: 100))
        let begun = MonotonicClock.wallNanoseconds() / 1_000_000
        usleep(100_000)
        await front.run { script.isOver }
        let time = try #require(Int64(script.answer.text))
        #expect(time < begun + 100)
    }

    @Test
    func `a body over the limit is 413, whether its length is known or not`() async throws {
        let front = try Front(
            .init(blocking: false) { _ in Response() },
            settings: { .patient($0, requestLimit: 10) }
        )
        #expect(await front.ask("POST /", body: Array(repeating: 1, count: 11)).status == 413)
        #expect(await front.ask("POST /", body: Array(repeating: 1, count: 10)).status == 200)
        #expect(front.budget.used == 0)
    }

    @Test
    func `bodies that do not fit the budget are 503`() async throws {
        let front = try Front(.init(blocking: false) { _ in Response() }, budget: 100)
        let answer = await front.ask("POST /", body: Array(repeating: 1, count: 101))
        #expect(answer.status == 503)
        #expect(answer["retry-after"] == "1")
        #expect(front.budget.used == 0)
    }

    // MARK: Time and room

    @Test
    func `a closure that blocks too long is 504, and counts until it returns`() async throws {
        let gate = Gate()
        let front = try Front(
            .init { _ in
                gate.pass()
                return Response()
            },
            settings: { .patient($0, timeout: 20_000_000) }
        )
        let answer = await front.ask("GET /")
        #expect(answer.status == 504)
        #expect(front.failure?.hasSuffix(" Error: Task timed out after 0.02 seconds") == true)
        #expect(front.runtime.usage.running == 1)
        gate.open()
        await front.run {
            front.runtime.usage.running == 0 && front.metrics.value(.functionInvocations, ["greet"]) == 1
        }
    }

    @Test
    func `an async closure that takes too long finds its task cancelled`() async throws {
        let wasCancelled = Mutex(false)
        let front = try Front(
            .init { _ in
                do {
                    try await Task.sleep(for: .seconds(60))
                } catch {
                    wasCancelled.withLock { $0 = true }
                    throw error
                }
                return Response()
            },
            settings: { .patient($0, timeout: 20_000_000) }
        )
        #expect(await front.ask("GET /").status == 504)
        await front.run { front.runtime.usage.running == 0 }
        #expect(wasCancelled.withLock { $0 })
    }

    @Test(arguments: [Kind.blocking, .async])
    func `so many run, so many wait, more are refused`(_ kind: Kind) async throws {
        let gate = Gate()
        let peak = Peak()
        let function = kind.waiting(on: gate, concurrency: 2) {
            peak.enter()
            defer { peak.leave() }
            usleep(1000)
            return Response()
        }
        let front = try Front(function, settings: { .patient($0, queueLength: 3) })
        let scripts = (0..<6).map { _ in front.begin("GET /") }
        await front.run { scripts[5].isOver }
        #expect(scripts[5].answer.status == 503)
        #expect(scripts[5].answer["retry-after"] == "1")
        #expect(front.runtime.usage == (2, 3))
        gate.open()
        await front.run { scripts.allSatisfy(\.isOver) }
        #expect(scripts.map(\.answer.status) == [200, 200, 200, 200, 200, 503])
        #expect(peak.value <= 2)
        #expect(front.runtime.usage == (0, 0))
        #expect(front.metrics.value(.functionThrottles, ["greet", "queue_full"]) == 1)
    }

    @Test(arguments: [Kind.blocking, .async])
    func `one that waits too long is 503, and never runs`(_ kind: Kind) async throws {
        let gate = Gate()
        let front = try Front(
            kind.waiting(on: gate, concurrency: 1) { Response() },
            settings: { .patient($0, queueWait: 1_000_000_000) }
        )
        let first = front.begin("GET /")
        await front.run { front.runtime.usage.running == 1 }
        let second = await front.ask("GET /")
        #expect(second.status == 503)
        #expect(front.failure?.contains("queue.wait") == true)
        #expect(front.runtime.usage == (1, 0))
        gate.open()
        await front.run { first.isOver }
        #expect(first.answer.status == 200)
        #expect(front.metrics.value(.functionInvocations, ["greet"]) == 1)
    }

    @Test
    func `a hundred blocking calls of two loops' worth are all answered, each with its own`() async throws {
        let front = try Front(
            .init { event in
                usleep(2000)
                return Response(body: event.rawPath)
            },
            settings: { .patient($0, queueLength: 1000) }
        )
        let scripts = (0..<200).map { front.begin("GET /\($0)") }
        await front.run { scripts.allSatisfy(\.isOver) }
        #expect(scripts.map(\.answer.text) == (0..<200).map { "/\($0)" })
    }

    @Test(arguments: [Kind.inline, .blocking])
    func `a route may leave less time`(_ kind: Kind) throws {
        let function = kind.function { _, context in Response(body: "\(context.remainingTime <= .seconds(30))") }
        let route = Route(
            index: 0,
            name: "r",
            target: RouteTarget(
                kind: .function,
                handler: lateHandler(SwiftFunctionRuntime(function, settings: .patient("greet")))
            ),
            parameterNames: ["rest"],
            timeout: 30_000_000_000
        )
        let table = try RouteTable([RouteDescription(name: "r", path: "/{rest*}")])
        #expect(try ScriptedFront(Router(table: table, routes: [route])).answer("GET /").text == "true")
    }

    @Test
    func `the context knows the time that is left`() async throws {
        let front = try Front(
            .init { _, context in
                let left = context.remainingTime
                guard left > .seconds(30), left <= .seconds(60) else { return Response() }
                return Response(body: context.functionVersion)
            }
        )
        #expect(await front.ask("GET /").text == "$LATEST")
    }
}

/// A response that a function may not give, and what the log says.
struct Wrong: Sendable, CustomTestStringConvertible {
    let response: Response
    let says: String
    var testDescription: String { says }

    static let cases: [Wrong] = [
        .init(response: Response(statusCode: 99), says: "the status 99"),
        .init(response: Response(statusCode: 600), says: "the status 600"),
        .init(response: Response(statusCode: 101), says: "the status 101"),
        .init(response: Response(headers: ["x a": "1"]), says: "the field 'x a'"),
        .init(response: Response(headers: ["": "1"]), says: "the field ''"),
        .init(response: Response(headers: ["x": "a\r\nset-cookie: b=1"]), says: "the field 'x'"),
        .init(response: Response(headers: ["x": "a\0"]), says: "the field 'x'"),
        .init(response: Response(cookies: ["a=1\n"]), says: "the field 'set-cookie'"),
        .init(
            response: Response(body: String(repeating: "x", count: 6 << 20 | 1)),
            says: "Function.ResponseSizeTooLarge"
        ),
    ]
}
