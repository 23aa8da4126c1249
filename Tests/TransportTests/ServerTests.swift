import Glibc
import PenstockHTTP
import PenstockNetworking
import PenstockSystem
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
}
