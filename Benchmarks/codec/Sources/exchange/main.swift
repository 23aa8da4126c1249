// What counters and the access log cost a request: swift run -c release --package-path Benchmarks/codec exchange
// Nanoseconds of whole exchanges in memory, from the bytes of a head to the end of the answer, with the gateway's own
// recorder and with none; the difference is what is counted and written.
import Measure
import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockObservability
import PenstockTransport

/// A client that takes everything at once.
final class Front: ExchangeFront {
    func respond(_ exchange: Exchange, end: Bool) { if end { exchange.finish() } }
    func respond(_ exchange: Exchange, body: RawSpan) { exchange.finish() }
    func acceptTunnel(_ exchange: Exchange) {}
    func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int { 0 }
    func write(_ bytes: RawSpan, _ exchange: Exchange) -> Int { 0 }
    func end(trailers: FieldBlock?, _ exchange: Exchange) { exchange.finish() }
    func consumed(_ count: Int, _ exchange: Exchange) {}
    func sendContinue(_ exchange: Exchange) {}
    func cut(_ exchange: Exchange) { exchange.finish() }
}

/// The only route there is.
final class Router: Handler {
    private let route: Route

    init(_ route: Route) { self.route = route }

    func handle(_ exchange: Exchange) { exchange.run(route) }
}

final class Greeting: Handler {
    private let body = Array("Hello, world\n".utf8)

    func handle(_ exchange: Exchange) {
        exchange.response.status = 200
        body.withUnsafeBytes { exchange.respond(body: $0.bytes) }
    }
}

final class Nothing: ExchangeRecorder {
    func ended(_ exchange: Exchange) {}
}

/// One loop and one listener.
struct Harness {
    let context: LoopContext
    let registry = MetricsRegistry()

    init() throws { context = LoopContext(loop: try EventLoop(index: 0)) }

    func recorder(_ log: AccessLog? = nil) -> RequestRecorder {
        RequestRecorder(registry: registry, listener: "public", targets: 1, shard: 0, log: log)
    }

    /// What a whole exchange takes.
    func nanoseconds(recordedBy recorder: any ExchangeRecorder) -> Double {
        let target = RouteTarget(kind: .respond, handler: Greeting())
        let router = Router(Route(index: 0, name: "greeting", target: target))
        let settings = ServerSettings(
            name: "public",
            index: 0,
            limits: HeadLimits(),
            handler: router,
            recorder: recorder
        )
        let peer = SocketAddress(ipv4: [192, 0, 2, 1], port: 4711)
        let info = ConnectionInfo(peer: peer, listener: ListenerState(settings))
        let front = Front()
        let wire = Array("GET /greeting HTTP/1.1\r\nHost: shop.example.com\r\n\r\n".utf8)
        var parser = RequestParser(limits: HeadLimits(), mergeSlashes: false, rejectEncodedSlashes: false)
        return Measure.nanoseconds {
            let exchange = context.takeExchange()
            _ = try? parser.parse(wire.span.bytes, into: exchange.head)
            exchange.begin(front, info, body: .none)
            router.handle(exchange)
        }
    }
}

let harness = try Harness()
let null = try LogWriter(.file("/dev/null"))
let plain = harness.nanoseconds(recordedBy: Nothing())
let counted = harness.nanoseconds(recordedBy: harness.recorder())
let text = harness.nanoseconds(recordedBy: harness.recorder(AccessLog(format: .text, writer: null)))
let json = harness.nanoseconds(recordedBy: harness.recorder(AccessLog(format: .json, writer: null)))
let upstream = UpstreamMetrics(registry: harness.registry, upstream: "shop", shard: 0)
let answered = nanoseconds {
    upstream.busy.add(1)
    upstream.answered(200, nanoseconds: 900_000)
    upstream.busy.add(-1)
}
report("an exchange without records", plain)
report("its counters", counted - plain)
report("those of an upstream's answer", answered)
report("a line of the access log as text", text - counted)
report("a line of the access log as JSON", json - counted)
