import Glibc
import PenstockNetworking
import Synchronization

/// Where the gateway itself listens, for loops that must not send requests there.
final class OwnAddresses: Sendable {
    private let addresses = Mutex<[SocketAddress]>([])

    func replace(_ bound: [SocketAddress]) { addresses.withLock { $0 = bound } }

    /// Whether a connection to `address` would come to one of the gateway's own listeners.
    func contains(_ address: SocketAddress) -> Bool {
        addresses.withLock { $0 }.contains { own in
            guard own.port == address.port, own.family != .unix else { return false }
            return own.bytes == address.bytes || own.isUnspecified && address.isOfThisMachine
        }
    }
}

extension SocketAddress {
    fileprivate var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// Whether it is an address of this machine: one that a socket can be bound to.
    fileprivate var isOfThisMachine: Bool {
        let probe = socket(domain, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return false }
        defer { Socket.close(probe) }
        return with(port: 0).withSockAddr { bind(probe, $0, $1) } == 0
    }
}
