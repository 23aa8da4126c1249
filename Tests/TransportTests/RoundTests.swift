import Glibc
import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import TestSupport
import Testing

@testable import PenstockTransport

/// What several callbacks of one round write to one client.
@Suite("What a round writes to a client")
final class RoundTests {
    private let loop: EventLoop
    private let server: Server

    init() throws {
        loop = try EventLoop(index: 0)
        server = Server(context: LoopContext(loop: loop), limits: ConnectionLimits()) { _ in }
    }

    deinit {
        server.kill()
        loop.close()
    }

    /// Answers at once, with a body that has no end, in which every byte of the request's is sent back.
    private final class Echo: Handler, ExchangeRecorder, TimerTarget, @unchecked Sendable {  // on its loop only
        private(set) var exchange: Exchange?

        func handle(_ exchange: Exchange) {
            self.exchange = exchange
            exchange.respond(end: false)
        }

        func received(_ bytes: RawSpan, of exchange: Exchange) {
            exchange.write(bytes)
            exchange.consumed(bytes.byteCount)
        }

        func cancelled(_ error: ExchangeError, _ exchange: Exchange) { self.exchange = nil }

        func write(_ text: String) { exchange?.write(Array(text.utf8).span.bytes) }

        func expired(_ timer: PenstockNetworking.Timer) { write("timer") }

        func ended(_ exchange: Exchange) {}
    }

    @Test func `is sent once, in order, whoever wrote before and after it was read from`() throws {
        let echo = Echo()
        let settings = ServerSettings(name: "", index: 0, limits: HeadLimits(), handler: echo, recorder: echo)
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        let client = FileDescriptor(owning: ends[1])
        let peer = SocketAddress(ipv4: [192, 0, 2, 1], port: 1)
        server.accepted(
            FileDescriptor(owning: ends[0]),
            ConnectionInfo(peer: peer, listener: ListenerState(settings))
        )
        try send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", to: client)
        loop.stop()
        loop.run()
        try #require(echo.exchange != nil)
        _ = received(from: client)

        // One round: mail, then what the client sends, then a timer that is due.
        let timer = PenstockNetworking.Timer(target: echo)
        loop.submit { echo.write("mail") }
        loop.stop()
        try send("body", to: client)
        loop.set(timer, at: loop.now)
        let due = MonotonicClock.now() + 10_000_000
        try Deadline.wait(for: "the timer's slot") { MonotonicClock.now() > due }
        loop.run()
        #expect(received(from: client) == "4\r\nmail\r\n4\r\nbody\r\n5\r\ntimer\r\n")
    }

    private func send(_ text: String, to client: borrowing FileDescriptor) throws {
        let bytes = Array(text.utf8)
        let sent = try bytes.withUnsafeBytes { try client.write($0) }
        try #require(sent == bytes.count)
    }

    private func received(from client: borrowing FileDescriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(client.rawValue, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}
