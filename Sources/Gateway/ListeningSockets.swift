import Glibc
import PenstockConfiguration
import PenstockNetworking
import PenstockPatterns
import PenstockSystem

/// The sockets of the configured listeners; the loops share them.
///
/// Used by the control thread only. A reload opens what is new before it closes what is gone.
final class ListeningSockets {
    /// One address that a listener is bound to: a name may stand for several.
    struct Bound {
        let address: SocketAddress
        let descriptor: Int32
    }

    /// Addresses as configured, and what they are bound to.
    private(set) var bound: [Address: [Bound]] = [:]

    /// Makes sure that `address` is listened on.
    ///
    /// - Parameters:
    ///   - address: as configured.
    ///   - name: the listener's, for the message.
    /// - Throws: ``GatewayError`` that names the address.
    func open(_ address: Address, name: String) throws(GatewayError) {
        guard bound[address] == nil else { return }
        var opened: [Bound] = []
        var missing: (error: SystemError, address: SocketAddress)?
        for candidate in try resolve(address, name) {
            do throws(SystemError) {
                opened.append(try listen(candidate, isWildcard: address.isWildcard))
                // `::` takes IPv4 in; what follows it is for machines without IPv6.
                if address.isWildcard { break }
            } catch {
                missing = (error, candidate)
                // A name may stand for addresses of a family that this machine does not have.
                if [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.errno) { continue }
                for socket in opened { Socket.close(socket.descriptor) }
                throw Self.failure(error, candidate, name)
            }
        }
        if opened.isEmpty, let missing { throw Self.failure(missing.error, missing.address, name) }
        bound[address] = opened
    }

    private static func failure(_ error: SystemError, _ address: SocketAddress, _ name: String) -> GatewayError {
        GatewayError("listener '\(name)': cannot listen on \(address): \(error.reason)\(advice(error, address))")
    }

    /// What a person can do about it.
    private static func advice(_ error: SystemError, _ address: SocketAddress) -> String {
        switch error.errno {
        case EADDRINUSE where address.family == .unix:
            isSocket(address) ? "; another program listens there" : "; what is there is no socket"
        case EADDRINUSE:
            "; another program listens there, and `ss -ltnp 'sport = :\(address.port)'` says which"
        case EADDRNOTAVAIL: "; this machine does not have that address"
        case EACCES where address.port < 1024 && address.family != .unix:
            "; ports below 1024 need the capability CAP_NET_BIND_SERVICE"
        default: ""
        }
    }

    private func listen(_ address: SocketAddress, isWildcard: Bool) throws(SystemError) -> Bound {
        if address.family == .unix, Self.isSocket(address) { removeStale(address) }
        let socket = try Socket.listen(on: address, onlyIPv6: !isWildcard)
        let local = Socket.localAddress(of: socket.rawValue) ?? address
        return Bound(address: local, descriptor: socket.release())
    }

    /// A unix socket that nobody listens on any more is in the way of a new one.
    private func removeStale(_ address: SocketAddress) {
        // Not blocking: one that hangs with a full queue is in use.
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return }
        defer { Socket.close(probe) }
        let refused = address.withSockAddr { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
        if refused { unlink(String(decoding: address.bytes, as: UTF8.self)) }
    }

    /// Whether the path is a socket's: nothing else is ever removed.
    private static func isSocket(_ address: SocketAddress) -> Bool {
        var status = stat()
        return lstat(String(decoding: address.bytes, as: UTF8.self), &status) == 0
            && status.st_mode & S_IFMT == S_IFSOCK
    }

    private func resolve(_ address: Address, _ name: String) throws(GatewayError) -> [SocketAddress] {
        switch address {
        case .any(let port):
            return [
                SocketAddress(ipv6: Array(repeating: 0, count: 16), port: port),
                SocketAddress(ipv4: Array(repeating: 0, count: 4), port: port),
            ]
        case .host(.ip(let ip), let port):
            return [SocketAddress(ip, port: port)]
        case .host(.name(let host), let port):
            do throws(ResolutionError) {
                return try SocketAddress.resolve(host, port: port, passive: true)
            } catch {
                throw GatewayError("listener '\(name)': \(error)")
            }
        case .unix(let path):
            guard let address = SocketAddress(path: path) else {
                throw GatewayError("listener '\(name)': the path of a unix socket has 1 to 107 bytes: \(path)")
            }
            return [address]
        }
    }

    /// Closes the sockets of addresses that are configured no more, when no loop accepts from them any longer.
    func close(allBut kept: Set<Address>) {
        for (address, sockets) in bound where !kept.contains(address) {
            for socket in sockets {
                Socket.close(socket.descriptor)
                if socket.address.family == .unix { unlink(String(decoding: socket.address.bytes, as: UTF8.self)) }
            }
            bound[address] = nil
        }
    }
}

extension Address {
    fileprivate var isWildcard: Bool {
        if case .any = self { return true }
        return false
    }
}
