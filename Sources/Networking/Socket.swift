import CLinux
import Glibc
public import PenstockSystem

/// Sockets that never block and are closed on exec.
public enum Socket {
    /// Opens a socket that listens on `address`; one with a path is its owner's alone (0600).
    ///
    /// - Parameters:
    ///   - address: port 0 lets the kernel choose; ask ``localAddress(of:)``.
    ///   - onlyIPv6: whether an IPv6 wildcard leaves IPv4 alone.
    ///   - backlog: connections that may wait to be accepted.
    /// - Returns: the listening socket.
    /// - Throws: ``SystemError``: `bind` with `EADDRINUSE`, ...
    public static func listen(
        on address: SocketAddress,
        onlyIPv6: Bool = true,
        backlog: Int32 = 4096
    ) throws(SystemError) -> FileDescriptor {
        let socket = try make(address.domain)
        if address.family == .unix {
            // Before it has a name: the socket's file never has another mode.
            fchmod(socket.rawValue, 0o600)
        } else {
            try set(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        if address.family == .ipv6 {
            try set(socket.rawValue, Int32(IPPROTO_IPV6), IPV6_V6ONLY, onlyIPv6 ? 1 : 0)
        }
        guard address.withSockAddr({ bind(socket.rawValue, $0, $1) }) == 0 else { throw SystemError(call: "bind") }
        guard Glibc.listen(socket.rawValue, backlog) == 0 else { throw SystemError(call: "listen") }
        return socket
    }

    /// Begins to connect to `address`; the socket becomes writable when it is connected or has failed.
    ///
    /// - Parameter address: where to.
    /// - Returns: the socket, connected or on its way; ``pendingError(of:)`` tells how it ended.
    /// - Throws: ``SystemError`` where it failed at once.
    public static func connect(to address: SocketAddress) throws(SystemError) -> FileDescriptor {
        let socket = try make(address.domain)
        if address.family != .unix { setNoDelay(socket.rawValue) }
        while address.withSockAddr({ Glibc.connect(socket.rawValue, $0, $1) }) != 0 {
            switch errno {
            case EINTR: continue
            case EINPROGRESS: return socket
            default: throw SystemError(call: "connect")
            }
        }
        return socket
    }

    private static func make(_ domain: Int32) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(domain, type, 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        return FileDescriptor(owning: descriptor)
    }

    private static func set(_ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        guard setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SystemError(call: "setsockopt")
        }
    }

    /// Sends small segments at once (TCP_NODELAY): without it an answer in two parts waits 40 ms.
    public static func setNoDelay(_ socket: Int32) {
        var on: Int32 = 1
        _ = setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Closes a descriptor that no ``FileDescriptor`` owns.
    public static func close(_ socket: Int32) { _ = Glibc.close(socket) }

    /// Ends the stream towards the peer and goes on reading.
    public static func shutDownOutput(_ socket: Int32) { _ = shutdown(socket, Int32(SHUT_WR)) }

    /// Makes the close of a socket a reset, so that the peer sees an error and not an end (SO_LINGER 0).
    public static func resetOnClose(_ socket: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// The error that ended a connect or a connection, 0 where there is none (SO_ERROR).
    public static func pendingError(of socket: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &value, &length) == 0 ? value : errno
    }

    /// The address that a socket is bound to.
    public static func localAddress(of socket: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        return result == 0 ? SocketAddress(storage, length: length) : nil
    }

    /// Accepts one connection.
    ///
    /// - Parameter listener: the listening socket.
    /// - Returns: the connection and its peer; `nil` when nobody waits.
    /// - Throws: ``SystemError``: `EMFILE` and `ENFILE` when descriptors ran out; a peer that has gone is skipped.
    public static func accept(_ listener: Int32) throws(SystemError) -> Accepted? {
        var storage = sockaddr_storage()
        while true {
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = withUnsafeMutablePointer(to: &storage) { pointer in
                penstock_accept(listener, pointer, &length)
            }
            if descriptor >= 0 {
                let peer = SocketAddress(storage, length: length) ?? SocketAddress(ipv4: [0, 0, 0, 0], port: 0)
                return Accepted(descriptor: descriptor, peer: peer)
            }
            switch errno {
            case EAGAIN: return nil
            // Of a connection that is lost already (accept(2), Error handling).
            case EINTR, ECONNABORTED, EPROTO, ENOPROTOOPT, EOPNOTSUPP, ENONET, ENETDOWN, EHOSTDOWN, EHOSTUNREACH,
                ENETUNREACH:
                continue
            default: throw SystemError(call: "accept4")
            }
        }
    }

    /// A connection as it was accepted; whoever takes it owns `descriptor`.
    public struct Accepted: Sendable {
        public let descriptor: Int32
        public let peer: SocketAddress
    }

    /// Receives what is there, at most a buffer full.
    ///
    /// - Parameters:
    ///   - socket: the socket.
    ///   - buffer: where the bytes go.
    /// - Returns: the number of bytes; 0 at end of stream; `nil` when nothing is there.
    /// - Throws: ``SystemError``: `ECONNRESET`, ...
    public static func receive(
        _ socket: Int32,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int? {
        while true {
            let count = penstock_socket_receive(socket, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw SystemError(call: "recv")
            }
        }
    }

    /// Sends what fits.
    ///
    /// - Parameters:
    ///   - socket: the socket.
    ///   - bytes: what is to be sent.
    /// - Returns: the number of bytes taken by the kernel, 0 when nothing fits now.
    /// - Throws: ``SystemError``: `EPIPE`, `ECONNRESET`, ... No SIGPIPE is raised.
    public static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        while true {
            let count = penstock_socket_send(socket, bytes.baseAddress, bytes.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            default: throw SystemError(call: "send")
            }
        }
    }

    /// Sends several runs of bytes in one call, like ``send(_:_:)``.
    public static func send(
        _ socket: Int32,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer
    ) throws(SystemError) -> Int {
        try withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors throws(SystemError) in
            vectors[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count)
            vectors[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = 2
            while true {
                let count = sendmsg(socket, &message, Int32(MSG_NOSIGNAL))
                if count >= 0 { return count }
                switch errno {
                case EINTR: continue
                case EAGAIN: return 0
                default: throw SystemError(call: "sendmsg")
                }
            }
        }
    }
}
