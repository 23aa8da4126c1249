import PenstockBytes
import PenstockHTTP
import PenstockTransport
import TestSupport
import Testing

@testable import PenstockHandlers

/// A target that does what a test says, and counts what it hears.
private final class Actor: Handler {
    enum Deed: CaseIterable, CustomTestStringConvertible {
        /// All at once.
        case whole
        case wholeWithoutBody
        /// Head, some of the body, and then it waits.
        case stream
        /// Head, body and end in one go.
        case streamToEnd
        /// Head, and a failure behind it.
        case streamAndFail
        /// No head.
        case fail

        var testDescription: String { "\(self)" }

        /// Whether it has an answer under way when its callback returns.
        var isUnfinished: Bool { self == .stream }
    }

    let deed: Deed
    let status: Int
    let waitsForBody: Bool
    private(set) var handled = 0
    private(set) var cancelled = 0
    private(set) var received: [UInt8] = []

    init(_ deed: Deed, _ status: Int = 503, waitsForBody: Bool = false) {
        self.deed = deed
        self.status = status
        self.waitsForBody = waitsForBody
    }

    func handle(_ exchange: Exchange) {
        handled += 1
        precondition(exchange.state == nil)
        exchange.state = self
        if !waitsForBody || exchange.body == .none { act(exchange) }
    }

    func received(_ bytes: RawSpan, of exchange: Exchange) {
        bytes.withUnsafeBytes { received += $0 }
        exchange.consumed(bytes.byteCount)
    }

    func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) { if waitsForBody { act(exchange) } }

    func cancelled(_ error: ExchangeError, _ exchange: Exchange) { cancelled += 1 }

    private func act(_ exchange: Exchange) {
        exchange.response.status = status
        exchange.response.fields.append(.other, "x-old", "1")
        let text = Array("old".utf8)
        switch deed {
        case .whole: text.withUnsafeBytes { exchange.respond(body: $0.bytes) }
        case .wholeWithoutBody: exchange.respond(end: true)
        case .fail:
            exchange.fail(ExchangeError(.upstream, status: status, message: "Bad Gateway", reason: "as the test says"))
        case .stream, .streamToEnd, .streamAndFail:
            exchange.respond(end: false)
            text.withUnsafeBytes { _ = exchange.write($0.bytes) }
            if deed == .streamToEnd { exchange.end() }
            if deed == .streamAndFail {
                exchange.fail(ExchangeError(.upstream, status: 502, message: "Bad Gateway", reason: "cut"))
            }
        }
    }
}

/// Answers with the body that it got.
private final class Echo: Handler {
    private final class Body { var bytes: [UInt8] = [] }

    private(set) var handled = 0

    func handle(_ exchange: Exchange) {
        handled += 1
        precondition(exchange.state == nil)
        exchange.state = Body()
        if exchange.body == .none { answer(exchange) }
    }

    func received(_ bytes: RawSpan, of exchange: Exchange) {
        let body = exchange.state as? Body
        bytes.withUnsafeBytes { body?.bytes += $0 }
        exchange.consumed(bytes.byteCount)
    }

    func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) { answer(exchange) }

    private func answer(_ exchange: Exchange) {
        let body = (exchange.state as? Body)?.bytes ?? []
        (Array("next:".utf8) + body).withUnsafeBytes { exchange.respond(body: $0.bytes) }
    }
}

/// A first handler with one route.
private final class Root: Handler {
    let route: Route

    init(_ route: Route) { self.route = route }

    func handle(_ exchange: Exchange) { exchange.run(route) }
}

private final class Mark: ResponseStage {
    func apply(to exchange: Exchange) { exchange.response.fields.append(.other, "x-mark", "1") }
}

/// A stage that decides when the test says so.
private final class Gatekeeper: RequestStage {
    private(set) var waiting: Exchange?
    private(set) var cancelled = 0

    func apply(to exchange: Exchange) -> StageVerdict {
        waiting = exchange
        return .pending
    }

    func cancelled(_ exchange: Exchange) { cancelled += 1 }
}

/// Answers that do not leave, and the targets that answer instead.
@Suite("Takeovers, over both fronts")
struct TakeoverTests {
    private static func root(
        _ first: any Handler,
        _ others: [RouteTarget],
        buffer: Int = 100,
        on statuses: [ClosedRange<Int>] = [500...599],
        errors: Bool = true,
        pages: ErrorPages? = nil,
        stages: [any RequestStage] = []
    ) -> Root {
        Root(
            Route(
                index: 0,
                name: "r",
                target: RouteTarget(kind: .upstream, handler: first),
                requestStages: stages,
                responseStages: [Mark()],
                watcher: Fallback(others, onErrors: errors, statuses: statuses, pages: pages),
                bodyBuffer: buffer,
                errorPages: pages
            )
        )
    }

    private static func asking(_ handler: any Handler) -> RouteTarget { RouteTarget(kind: .function, handler: handler) }

    private static func fixed(_ text: String) -> RouteTarget {
        RouteTarget(kind: .respond, handler: FixedResponseHandler(status: 200, body: Array(text.utf8)))
    }

    @Test(arguments: Actor.Deed.allCases, [0, 1, 20, 100])
    private func `another target answers, with all of the body`(_ deed: Actor.Deed, _ size: Int) throws {
        for waits in [false, true] {
            var actors: [Actor] = []
            let body = (0..<size).map { UInt8(truncatingIfNeeded: 65 + $0 % 26) }
            let answer = try answerOverBoth("POST /", body: body) {
                let actor = Actor(deed, waitsForBody: waits)
                actors.append(actor)
                return Self.root(actor, [Self.asking(Echo())])
            }
            #expect(answer.status == 200)
            #expect(answer.text == "next:" + String(decoding: body, as: UTF8.self))
            #expect(answer["x-old"] == nil)
            #expect(answer["x-mark"] == "1")
            #expect(actors.map(\.cancelled) == [deed, deed].map { $0.isUnfinished ? 1 : 0 })
        }
    }

    @Test(arguments: Actor.Deed.allCases)
    private func `a body that is not kept leaves only those who need none`(_ deed: Actor.Deed) throws {
        let body = [UInt8](repeating: 65, count: 101)
        let echo = Echo()
        let answer = try answerOverBoth("POST /", body: body) {
            Self.root(Actor(deed, waitsForBody: true), [Self.asking(echo), Self.fixed("sorry")])
        }
        #expect(answer.text == "sorry")
        let last = try answerOverBoth("POST /", body: body) {
            Self.root(Actor(.whole, waitsForBody: true), [Self.asking(echo)])
        }
        #expect(last.status == 503)
        #expect(last.text == "old")
        #expect(echo.handled == 0)
    }

    @Test(arguments: Actor.Deed.allCases, Actor.Deed.allCases)
    private func `one after the other is asked, and the last failure is the client's`(
        _ first: Actor.Deed,
        _ second: Actor.Deed
    ) throws {
        let answer = try answerOverBoth("POST /", body: Array("body".utf8)) {
            Self.root(Actor(first), [Self.asking(Actor(second, waitsForBody: true)), Self.asking(Echo())])
        }
        #expect(answer.text == "next:body")
        let last = try answerOverBoth("GET /") { Self.root(Actor(first), [Self.asking(Actor(.whole, 504))]) }
        #expect(last.status == 504)
        #expect(last.text == "old")
        #expect(last["x-mark"] == "1")
    }

    @Test func `what is no failure, or has begun to leave, is not replaced`() throws {
        let echo = Echo()
        let good = try answerOverBoth("GET /") { Self.root(Actor(.whole, 404), [Self.asking(echo)]) }
        #expect(good.status == 404)
        let cut = try answerOverBoth("GET /") { Self.root(Actor(.streamAndFail, 200), [Self.asking(echo)]) }
        #expect(cut.status == 200)
        #expect(cut.isCut)
        let silent = try answerOverBoth("GET /") { Self.root(Actor(.fail), [Self.asking(echo)], errors: false) }
        #expect(silent.status == 503)
        #expect(echo.handled == 0)
    }

    @Test(arguments: Actor.Deed.allCases)
    private func `a client that goes away meanwhile ends it all`(_ deed: Actor.Deed) throws {
        let actor = Actor(deed)
        let echo = Echo()
        let front = try ScriptedFront(Self.root(actor, [Self.asking(echo)]))
        let script = front.begin("POST /", body: Array("body".utf8))
        #expect(actor.handled == 1)
        script.leave()
        #expect(actor.cancelled == (deed.isUnfinished ? 1 : 0))
        front.runLoop()
        #expect(echo.handled == 0)
        #expect(front.context.exchanges.active == 0)
        #expect(front.context.buffered == 0)
    }

    @Test func `nothing stays counted as buffered`() throws {
        let front = try ScriptedFront(Self.root(Actor(.stream, waitsForBody: true), [Self.asking(Echo())]))
        #expect(front.answer("POST /", body: Array("body".utf8)).text == "next:body")
        #expect(front.context.buffered == 0)
    }

    // MARK: Pages

    private static func pages(intercept: Bool) -> ErrorPages {
        let page = ErrorPage(
            for: [400...599],
            [.status, .text(Array(" ".utf8)), .message],
            contentType: "text/html",
            replacesAnswers: intercept
        )
        return ErrorPages([page])
    }

    @Test(arguments: Actor.Deed.allCases)
    private func `a page stands for an answer`(_ deed: Actor.Deed) throws {
        let pages = Self.pages(intercept: true)
        var actors: [Actor] = []
        let answer = try answerOverBoth("POST /", body: Array("body".utf8)) {
            actors.append(Actor(deed, 502))
            return Self.root(actors[actors.count - 1], [], pages: pages)
        }
        #expect(answer.status == 502)
        #expect(answer.text == "502 Bad Gateway")
        #expect(answer["content-type"] == "text/html")
        #expect(answer["x-mark"] == "1")
        // What does not speak of the body stays; a failure has nothing to stay.
        #expect(answer["x-old"] == (deed == .fail ? nil : "1"))
        #expect(actors.map(\.cancelled) == [deed, deed].map { $0.isUnfinished ? 1 : 0 })
        let head = try answerOverBoth("HEAD /") { Self.root(Actor(deed, 502), [], pages: pages) }
        #expect(head.status == 502)
        #expect(head.text.isEmpty)
    }

    @Test func `answers of others stay where a page is not for them`() throws {
        let pages = Self.pages(intercept: false)
        #expect(try answerOverBoth("GET /") { Self.root(Actor(.whole), [], pages: pages) }.text == "old")
        #expect(
            try answerOverBoth("GET /") { Self.root(Actor(.fail, 502), [], pages: pages) }.text == "502 Bad Gateway"
        )
    }

    // MARK: Stages that wait

    @Test(arguments: [0, 5, 60])
    func `a stage may decide later`(_ size: Int) throws {
        let gate = Gatekeeper()
        let echo = Echo()
        let body = [UInt8](repeating: 65, count: size)
        let front = try ScriptedFront(Self.root(echo, [], stages: [gate]))
        let script = front.begin("POST /", body: body)
        for _ in 0..<20 {
            script.advance()
            front.runLoop()
        }
        #expect(!script.isOver)
        #expect(echo.handled == 0)
        gate.waiting?.proceed()
        for _ in 0..<60 where !script.isOver {
            script.advance()
            front.runLoop()
        }
        #expect(script.answer.text == "next:" + String(decoding: body, as: UTF8.self))
        #expect(front.context.buffered == 0)
    }

    @Test func `a stage that waits may refuse, and hears of a client that goes`() throws {
        let gate = Gatekeeper()
        let echo = Echo()
        let front = try ScriptedFront(Self.root(echo, [Self.asking(echo)], stages: [gate]))
        let script = front.begin("POST /", body: Array("body".utf8))
        gate.waiting?.fail(ExchangeError(.client, status: 401, message: "Unauthorized", reason: "no"))
        #expect(script.answer.status == 401)
        let other = front.begin("POST /", body: Array("body".utf8))
        other.advance()
        other.leave()
        #expect(gate.cancelled == 1)
        #expect(echo.handled == 0)
        #expect(front.context.exchanges.active == 0)
        #expect(front.context.buffered == 0)
    }
}
