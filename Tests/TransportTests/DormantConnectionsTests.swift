import Glibc
import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import TestSupport
import Testing

@testable import PenstockTransport

/// Connections that have been idle for a while: what is left of them, and what comes back.
@Suite("Connections that are asleep")
final class DormantConnectionsTests {
    private let loop: EventLoop
    private let server: Server
    private let limits = ConnectionLimits()

    init() throws {
        loop = try EventLoop(index: 0)
        server = Server(context: LoopContext(loop: loop), limits: limits) { _ in }
    }

    deinit {
        server.kill()
        loop.close()
    }

    /// Answers who asks, and whether that peer may speak for others.
    private final class WhoAreYou: Handler, ExchangeRecorder {
        func handle(_ exchange: Exchange) {
            guard let connection = exchange.connection else { return }
            var text = ByteBuffer()
            text.append(connection.peerText)
            text.append(connection.isTrusted ? " trusted" : " a stranger")
            exchange.respond(body: text.readable.bytes)
        }

        func ended(_ exchange: Exchange) {}
    }

    private func listener(idle: Int64 = 60_000_000_000, head: Int64 = 60_000_000_000) -> ListenerState {
        var timeouts = ServerTimeouts()
        timeouts.idle = idle
        timeouts.head = head
        let handler = WhoAreYou()
        return ListenerState(
            ServerSettings(
                name: "",
                index: 0,
                limits: HeadLimits(),
                timeouts: timeouts,
                trusts: { $0.family == .ipv6 },
                handler: handler,
                recorder: handler
            ),
            connections: ConnectionLimits()
        )
    }

    /// A client's end of a new connection.
    private func connect(
        _ state: ListenerState,
        _ peer: SocketAddress = SocketAddress(ipv4: [192, 0, 2, 1], port: 1)
    ) throws -> FileDescriptor {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        server.accepted(FileDescriptor(owning: ends[0]), ConnectionInfo(peer: peer, listener: state))
        return FileDescriptor(owning: ends[1])
    }

    private func run(until what: String, _ isOver: () throws -> Bool) throws {
        try Deadline.wait(for: what) {
            loop.stop()
            loop.run()
            return try isOver()
        }
    }

    private func ask(_ client: borrowing FileDescriptor) throws -> String {
        let request = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let sent = try request.withUnsafeBytes { try client.write($0) }
        try #require(sent == request.count)
        var answer: [UInt8] = []
        let number = client.rawValue
        try run(until: "an answer") {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = chunk.withUnsafeMutableBytes { recv(number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
            if count > 0 { answer += chunk[..<count] }
            return answer.firstRange(of: Array("\r\n\r\n".utf8)).map { $0.upperBound < answer.count } ?? false
        }
        return String(decoding: answer, as: UTF8.self).split(separator: "\r\n").last.map(String.init) ?? ""
    }

    private func hasEnded(_ client: borrowing FileDescriptor) -> Bool {
        var byte: UInt8 = 0
        return recv(client.rawValue, &byte, 1, Int32(MSG_DONTWAIT)) == 0
    }

    @Test(arguments: [
        (SocketAddress(ipv4: [192, 0, 2, 7], port: 4711), "192.0.2.7 a stranger"),
        (SocketAddress(ipv4: [255, 0, 0, 1], port: 1), "255.0.0.1 a stranger"),
        (
            SocketAddress(ipv6: [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [9], port: 1),
            "2001:db8::9 trusted"
        ),
        (
            SocketAddress(ipv6: [0xFE, 0x80] + [UInt8](repeating: 0, count: 13) + [1], port: 1, scope: 2),
            "fe80::1 trusted"
        ),
        (SocketAddress.unnamed, "unix a stranger"),
    ])
    func `who wakes up is who fell asleep`(_ peer: SocketAddress, _ answer: String) throws {
        let client = try connect(listener(), peer)
        for _ in 0..<3 {
            try run(until: "sleep") { server.sleeperCount == 1 }
            #expect(server.connectionCount == 1 && limits.count == 1)
            #expect(try ask(client) == answer)
            #expect(server.sleeperCount == 0)
        }
    }

    @Test func `who is woken soon stays awake for longer`() throws {
        let client = try connect(listener())
        try run(until: "sleep") { server.sleeperCount == 1 }
        let moment = MonotonicClock.now()
        _ = try ask(client)
        try run(until: "sleep again") { server.sleeperCount == 1 }
        #expect(MonotonicClock.now() >= moment + 1_000_000_000)
        let hasEnded = hasEnded(client)
        #expect(!hasEnded)
    }

    @Test func `many sleep and wake in any order, and each has its place in the limits until it ends`() throws {
        let state = listener()
        var clients: [Int32] = []
        for number in 0..<50 {
            clients.append(try connect(state, SocketAddress(ipv4: [10, 0, 0, UInt8(number)], port: 1)).release())
        }
        for round in 0..<4 {
            try run(until: "sleep") { server.sleeperCount == clients.count }
            for index in clients.indices where (index &* 7 &+ round) % 3 == 0 {
                let client = FileDescriptor(owning: clients[index])
                #expect(try ask(client) == "10.0.0.\(index) a stranger")
                clients[index] = client.release()
            }
        }
        for client in clients.prefix(20) { Socket.close(client) }
        try run(until: "the end of twenty") { server.connectionCount == 30 }
        #expect(limits.count == 30)
        server.kill()
        #expect(server.connectionCount == 0 && limits.count == 0)
        for client in clients.dropFirst(20) { Socket.close(client) }
    }

    @Test func `sleepers end when their time is over, each by its own`() throws {
        let long = try connect(listener())
        let served = try connect(listener(idle: 200_000_000))
        let fresh = try connect(listener(head: 300_000_000))
        #expect(try ask(served).hasPrefix("192."))
        try run(until: "sleep") { server.sleeperCount == 3 }
        try run(until: "the end of the one that was served") { hasEnded(served) }
        #expect(server.sleeperCount == 2 && !hasEnded(long))
        try run(until: "the end of the one that asked nothing") { hasEnded(fresh) }
        #expect(server.sleeperCount == 1 && !hasEnded(long))
        #expect(try ask(long).hasPrefix("192."))
        server.kill()
    }

    @Test func `sleepers make room, and end with their listener`() throws {
        let (one, other) = (listener(), listener())
        let served = try connect(one)
        let fresh = try connect(one)
        let elsewhere = try connect(other)
        #expect(try ask(served).hasPrefix("192."))
        try run(until: "sleep") { server.sleeperCount == 3 }
        #expect(server.failedToAccept(SystemError(call: "accept4", errno: EMFILE)))
        try run(until: "the end of the one that was served") { hasEnded(served) }
        let freshHasEnded = hasEnded(fresh)
        #expect(!freshHasEnded)
        try run(until: "sleep") { server.sleeperCount == 2 }
        server.close(one)
        #expect(server.sleeperCount == 1)
        #expect(try ask(fresh).hasPrefix("192."))
        #expect(try ask(elsewhere).hasPrefix("192."))
        server.kill()
    }
}
