internal import Glibc
internal import Synchronization

/// A name server on 127.0.0.1, over UDP and TCP, that answers as a test says.
public final class ScriptedNameServer: Sendable {
    /// Where it listens.
    public let port: UInt16

    private let asked = Mutex<[DNSQuestion]>([])
    private let stopping: Int32
    private let ended = Gate()

    /// Starts a server.
    ///
    /// - Parameter script: answers a question; `count` is how often the same question came before.
    /// - Throws: ``SupportError``.
    public init(_ script: @escaping @Sendable (_ question: DNSQuestion, _ count: Int) -> DNSReply) throws {
        let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        port = try Self.bindBoth(tcp, udp)
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw SupportError.system("pipe") }
        let (reading, writing) = (pipes[0], pipes[1])
        stopping = writing
        TestThread.start { [self] in
            serve(udp, tcp, reading, script)
            for descriptor in [udp, tcp, reading, writing] { close(descriptor) }
            ended.open()
        }
    }

    /// The questions that came, in order.
    public var questions: [DNSQuestion] { asked.withLock { $0 } }

    /// Answers no more; its port is closed when this returns.
    public func stop() {
        guard !ended.isOpen else { return }
        _ = write(stopping, "x", 1)
        ended.pass()
    }

    /// Both sockets on one port that the kernel chooses.
    private static func bindBoth(_ tcp: Int32, _ udp: Int32) throws -> UInt16 {
        for _ in 0..<100 {
            guard TestAddress.ipv4("127.0.0.1", 0).withSockAddr({ bind(udp, $0, $1) }) == 0 else { break }
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(udp, $0, &length) }
            }
            let port = UInt16(bigEndian: address.sin_port)
            if TestAddress.ipv4("127.0.0.1", port).withSockAddr({ bind(tcp, $0, $1) }) == 0, listen(tcp, 16) == 0 {
                return port
            }
            // Another's over TCP: the next try takes another.
            var none = sockaddr()
            none.sa_family = sa_family_t(AF_UNSPEC)
            _ = connect(udp, &none, socklen_t(MemoryLayout<sockaddr>.size))
        }
        throw SupportError.system("bind a name server")
    }

    private func serve(
        _ udp: Int32,
        _ tcp: Int32,
        _ stop: Int32,
        _ script: (DNSQuestion, Int) -> DNSReply
    ) {
        var connections: [(descriptor: Int32, bytes: [UInt8])] = []
        defer { for connection in connections { close(connection.descriptor) } }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var watched = ([udp, tcp, stop] + connections.map(\.descriptor)).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&watched, nfds_t(watched.count), -1) >= 0, watched[2].revents == 0 else { return }
            if watched[0].revents != 0 { answerDatagram(udp, &buffer, script) }
            for index in connections.indices.reversed() where watched[3 + index].revents != 0 {
                let count = recv(connections[index].descriptor, &buffer, buffer.count, 0)
                guard count > 0 else {
                    close(connections.remove(at: index).descriptor)
                    continue
                }
                connections[index].bytes += buffer[..<count]
                answer(connections[index].descriptor, &connections[index].bytes, script)
            }
            if watched[1].revents != 0 {
                let connection = accept(tcp, nil, nil)
                if connection >= 0 { connections.append((connection, [])) }
            }
        }
    }

    private func answerDatagram(_ udp: Int32, _ buffer: inout [UInt8], _ script: (DNSQuestion, Int) -> DNSReply) {
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                let count = recvfrom(udp, &buffer, buffer.count, 0, peer, &length)
                guard count > 0, let reply = reply(to: Array(buffer[..<count]), isTCP: false, script) else { return }
                _ = sendto(udp, reply, reply.count, 0, peer, length)
            }
        }
    }

    /// Answers the messages of a connection that are whole: each has its length before it (RFC 1035 section 4.2.2).
    private func answer(_ connection: Int32, _ bytes: inout [UInt8], _ script: (DNSQuestion, Int) -> DNSReply) {
        while bytes.count > 2, bytes.count >= 2 + Int(bytes[0]) << 8 + Int(bytes[1]) {
            let end = 2 + Int(bytes[0]) << 8 + Int(bytes[1])
            if let reply = reply(to: Array(bytes[2..<end]), isTCP: true, script) {
                let framed = DNSRecord.wire(UInt16(reply.count)) + reply
                _ = send(connection, framed, framed.count, Int32(MSG_NOSIGNAL))
            }
            bytes.removeFirst(end)
        }
    }

    private func reply(to message: [UInt8], isTCP: Bool, _ script: (DNSQuestion, Int) -> DNSReply) -> [UInt8]? {
        guard let question = DNSQuestion(message, isTCP: isTCP) else { return nil }
        let count = asked.withLock { list in
            defer { list.append(question) }
            return list.count { $0 == question }
        }
        return script(question, count).message(to: message)
    }
}
