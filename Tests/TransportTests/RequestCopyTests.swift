import PenstockHTTP
import TestSupport
import Testing

@testable import PenstockTransport

/// A target that takes nothing and answers nothing, and hears why it is to end.
private final class Silent: Handler {
    private(set) var handled = 0
    private(set) var received = 0
    private(set) var reasons: [String] = []

    func handle(_ exchange: Exchange) { handled += 1 }

    func received(_ bytes: RawSpan, of exchange: Exchange) { received += bytes.byteCount }

    func cancelled(_ error: ExchangeError, _ exchange: Exchange) { reasons.append(error.reason) }
}

/// Answers when the body has come, and takes it as it comes.
private final class Whole: Handler {
    func handle(_ exchange: Exchange) { if exchange.body == .none { exchange.respond(end: true) } }

    func received(_ bytes: RawSpan, of exchange: Exchange) { exchange.consumed(bytes.byteCount) }

    func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) { exchange.respond(end: true) }
}

/// Copies every request, with little patience.
private final class Copying: RequestStage {
    let target: RouteTarget
    let settings: ServerSettings
    let timeout: Int64?

    init(_ handler: any Handler, timeout: Int64?) {
        target = RouteTarget(kind: .upstream, handler: handler)
        self.timeout = timeout
        settings = ServerSettings(name: "copy", index: 0, limits: HeadLimits(), handler: handler, recorder: Nobody())
    }

    func apply(to exchange: Exchange) -> StageVerdict {
        let copy = RequestCopy(for: target, settings)
        if let timeout { copy.timeout = timeout }
        exchange.mirror(by: copy)
        return .pass
    }

    private final class Nobody: ExchangeRecorder {
        func ended(_ exchange: Exchange) {}
    }
}

private final class Root: Handler {
    let route: Route

    init(_ route: Route) { self.route = route }

    func handle(_ exchange: Exchange) { exchange.run(route) }
}

/// What a copy of a request may cost.
@Suite("Copies of requests")
struct RequestCopyTests {
    private func front(_ shadow: Silent, timeout: Int64? = nil) throws -> ScriptedFront {
        let route = Route(
            index: 0,
            name: "r",
            target: RouteTarget(kind: .upstream, handler: Whole()),
            requestStages: [Copying(shadow, timeout: timeout)]
        )
        return try ScriptedFront(Root(route))
    }

    @Test(arguments: [(65_536, 65_536, true), (65_537, 65_536, false), (300_000, 65_536, false)])
    func `so much of a body may wait for its target`(_ row: (size: Int, received: Int, isKept: Bool)) throws {
        let shadow = Silent()
        let front = try front(shadow)
        front.window = 4096
        #expect(front.answer("POST /", body: [UInt8](repeating: 65, count: row.size)).status == 200)
        #expect(shadow.received == row.received)
        #expect(shadow.reasons == (row.isKept ? [] : ["the copy was given up"]))
        #expect(front.context.copies == (row.isKept ? 1 : 0))
        #expect(front.context.exchanges.active == (row.isKept ? 1 : 0))
    }

    @Test func `it ends after its time, and leaves nothing`() throws {
        let shadow = Silent()
        let front = try front(shadow, timeout: 20_000_000)
        #expect(front.answer("POST /", body: Array("body".utf8)).status == 200)
        #expect(front.context.copies == 1)
        try Deadline.wait(for: "the copy's time") {
            front.runLoop()
            return front.context.copies == 0
        }
        #expect(shadow.reasons == ["the answer to the copy did not end"])
        #expect(front.context.exchanges.active == 0)
        #expect(RequestCopy.defaultTimeout == 60_000_000_000)
    }

    @Test func `a client that goes away in the middle ends it`() throws {
        let shadow = Silent()
        let front = try front(shadow)
        let script = front.begin("POST /", body: [UInt8](repeating: 65, count: 100))
        script.advance()
        #expect(shadow.received == 7)
        script.leave()
        #expect(shadow.reasons == ["the copy was given up"])
        #expect(front.context.copies == 0)
        #expect(front.context.exchanges.active == 0)
    }
}
