import PenstockHTTP
import PenstockNetworking
import PenstockObservability
import PenstockReverseProxy
import PenstockTransport
import TestSupport
import Testing

/// Relaying, whatever way a request came in: over HTTP/1.1, or over a front that delivers in small steps.
@Suite("Proxy handler, over both fronts")
struct ProxyHandlerTests {
    private static let text = String(repeating: "relayed ", count: 2_500)

    /// A handler that relays to ports of the loopback address; made when its loop is there.
    private func relaying(to ports: [UInt16]) -> PassingHandler {
        var made: ProxyHandler?
        return PassingHandler { exchange in
            let handler = made ?? ProxyHandler(Self.upstream(ports, exchange.context))
            made = handler
            return handler
        }
    }

    private static func upstream(_ ports: [UInt16], _ context: LoopContext) -> Upstream {
        let status = UpstreamStatus(UpstreamSettings(name: "service"), loops: 1, report: { _ in })
        let endpoints = ports.map { port in
            EndpointDescription(
                name: "http://127.0.0.1:\(port)",
                authority: "127.0.0.1:\(port)",
                addresses: [SocketAddress(ipv4: [127, 0, 0, 1], port: port)]
            )
        }
        _ = status.replace(with: endpoints, at: nil)
        return Upstream(
            status,
            metrics: UpstreamMetrics(registry: MetricsRegistry(), upstream: "service", shard: 0),
            context: context
        )
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n\(text)",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4E20\r\n\(text)\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\(text)",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
        // Cut: too short for its length, for its chunks.
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        // None.
        "", "HTTP/1.1 2000 OK\r\n\r\n",
    ])
    func `an answer comes as the upstream gave it`(_ response: String) throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.request() != nil else { return }
            try connection.send(response)
        }
        let answer = try answerOverBoth("GET /path?x=1") { relaying(to: [upstream.port]) }
        // One request over each front; nothing at all may be asked for again, twice.
        let tries = response.isEmpty ? 6 : 2
        #expect(upstream.requests.map(\.line) == Array(repeating: "GET /path?x=1 HTTP/1.1", count: tries))
        let status = Int(response.dropFirst(9).prefix { $0 != " " }) ?? 0
        #expect(answer.status == (100..<600 ~= status ? status : 502))
        #expect(answer.isCut == response.contains("half"))
        if status == 200 { #expect(response.contains(answer.text)) }
    }

    @Test(arguments: [0, 1, 7, 8, 20_000])
    func `a body goes and comes as it is`(_ size: Int) throws {
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.request() {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
                try connection.send(request.body)
            }
        }
        let answer = try answerOverBoth("POST /", body: body) { relaying(to: [upstream.port]) }
        #expect(answer.status == 200)
        #expect(answer.body.elementsEqual(body))
    }

    @Test func `the next endpoint is tried where the first does not listen`() throws {
        let upstream = try ScriptedUpstream(answering: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(try answerOverBoth("GET /") { relaying(to: [1, upstream.port]) }.text == "ok")
        #expect(try answerOverBoth("GET /") { relaying(to: [1]) }.status == 502)
    }
}
