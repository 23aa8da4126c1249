import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockTransport
import TestSupport
import Testing

@Suite("A connection to an upstream")
final class ClientConnectionTests {
    private let context: LoopContext
    private let observer = Listener()

    init() throws { context = LoopContext(loop: try EventLoop(index: 0)) }

    deinit { context.loop.close() }

    private final class Listener: ClientStreamObserver {
        var isConnected = false
        var text = ""
        var end: Result<Void, ClientFailure>?

        func connected() { isConnected = true }
        func informed(_ head: ResponseHead) {}
        func received(_ head: ResponseHead) {}
        func received(_ bytes: RawSpan) { bytes.withUnsafeBytes { text += String(decoding: $0, as: UTF8.self) } }
        func receivedEnd(trailers: FieldBlock?) { end = .success(()) }
        func writable() {}
        func failed(_ failure: ClientFailure) { end = .failure(failure) }
    }

    private func run(until condition: () -> Bool) throws {
        try Deadline.wait(for: "the upstream") {
            context.loop.stop()
            context.loop.run()
            return condition()
        }
    }

    @Test func `an answer that ends with a reset is cut, also where a write hears of it first`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.head()
            try connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npartial")
            try Deadline.wait(for: "the gate") { gate.isOpen }
            connection.reset()
        }
        let address = SocketAddress(ipv4: [127, 0, 0, 1], port: upstream.port)
        let pool = ConnectionPool(address: address, capacity: 1, timeouts: ClientTimeouts(), context: context)
        let connection = pool.connect(for: observer)
        connection.begin(.post, body: .length(1_000_000), into: ResponseHead())
        connection.output.append("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n")
        try run { observer.text == "partial" }
        gate.open()
        try Deadline.wait(for: "the reset") { upstream.ended == 1 }
        _ = connection.write(Array(repeating: UInt8(1), count: 100_000).span.bytes)
        try run { observer.end != nil }
        guard case .failure(let failure)? = observer.end else {
            Issue.record("the answer passed for a whole one")
            return
        }
        #expect(failure.kind == .closed)
        #expect(failure.answered)
    }
}
