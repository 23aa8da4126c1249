import Glibc
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import TestSupport
import Testing

@testable import PenstockTransport

@Suite("The connections of a loop")
final class ServerTests {
    private let server: Server
    private let state: ListenerState

    init() throws {
        server = Server(context: LoopContext(loop: try EventLoop(index: 0)), limits: ConnectionLimits()) { _ in }
        state = ListenerState(
            ServerSettings(name: "", index: 0, limits: HeadLimits(), handler: Silent(), recorder: Silent())
        )
    }

    deinit {
        server.kill()
        server.context.loop.close()
    }

    private final class Silent: Handler, ExchangeRecorder {
        func handle(_ exchange: Exchange) {}
        func ended(_ exchange: Exchange) {}
    }

    /// A client that has connected and asked nothing: its end, to be closed.
    private func connect() throws -> Int32 {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        let peer = SocketAddress(ipv4: [192, 0, 2, 1], port: 1)
        server.accepted(FileDescriptor(owning: ends[0]), ConnectionInfo(peer: peer, listener: state))
        return ends[1]
    }

    @Test(arguments: [(EMFILE, 1), (ENFILE, 1), (ENOBUFS, 1), (ENOMEM, 1), (EPERM, 2), (EINVAL, 2)])
    func `an idle connection is closed only where that makes room`(_ code: Int32, _ left: Int) throws {
        let clients = try [connect(), connect()]
        defer { for client in clients { Socket.close(client) } }
        #expect(server.connectionCount == 2)
        #expect(server.failedToAccept(SystemError(call: "accept4", errno: code)) == (left == 1))
        #expect(server.connectionCount == left)
        server.kill()
        #expect(server.connectionCount == 0)
    }

    /// A loop on a thread of its own, and how many connections it has.
    private struct Share: @unchecked Sendable {  // its server is used on its loop only, once that runs
        let loop: EventLoop
        let server: Server
        let limits = ConnectionLimits()

        init(index: Int, socket: Int32) throws {
            loop = try EventLoop(index: index)
            server = Server(context: LoopContext(loop: loop), limits: limits) { _ in }
            let settings = ServerSettings(
                name: "",
                index: 0,
                limits: HeadLimits(),
                handler: Silent(),
                recorder: Silent()
            )
            try server.listen(socket, ListenerState(settings))
        }
    }

    @Test func `connections that come one after the other are spread over the loops`() throws {
        let socket = try Socket.listen(on: SocketAddress(ipv4: [127, 0, 0, 1], port: 0), onlyIPv6: false, backlog: 64)
        let address = try #require(Socket.localAddress(of: socket.rawValue))
        let shares = try (0..<2).map { try Share(index: $0, socket: socket.rawValue) }
        for (share, other) in zip(shares, shares.reversed()) { share.server.neighbours = [other.server] }
        let ends = shares.map { _ in Gate() }
        for (share, end) in zip(shares, ends) {
            TestThread.start {
                share.loop.run()
                share.server.kill()
                end.open()
            }
        }
        var clients: [Int32] = []
        for count in 1...40 {
            clients.append(try Socket.connect(to: address).release())
            try Deadline.wait(for: "connection \(count)") { shares.map(\.limits.count).reduce(0, +) == count }
        }
        for share in shares { #expect(share.limits.count >= 10) }
        for share in shares { share.loop.stop() }
        for end in ends { end.pass() }
        for client in clients { Socket.close(client) }
    }
}
