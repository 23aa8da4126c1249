internal import Glibc

/// A connection, with a deadline for everything.
///
/// Belongs to one thread at a time.
public class RawSocket: @unchecked Sendable {
    private var descriptor: Int32

    /// What has been received and not been taken yet.
    public internal(set) var buffer: [UInt8] = []

    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close() }

    /// How a connection ended.
    public enum End: Equatable, Sendable {
        /// With FIN.
        case closed
        /// With RST.
        case reset
    }

    /// Sends a text; fails when the peer has gone.
    public func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends bytes; fails when the peer has gone, or takes nothing until the deadline.
    public func send(_ bytes: [UInt8], seconds: Double = Deadline.patience) throws {
        let sent = try sendSome(bytes, seconds: seconds)
        guard sent == bytes.count else { throw SupportError("the peer took \(sent) of \(bytes.count) bytes") }
    }

    /// Sends as much as the peer takes until `seconds` have passed.
    ///
    /// - Returns: the number of bytes that the kernel has taken.
    /// - Throws: ``SupportError`` where the connection is lost.
    public func sendSome(_ bytes: [UInt8], seconds: Double) throws -> Int {
        let deadline = Deadline(seconds: seconds)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                guard wait(POLLOUT, deadline) else { return sent }
            } else if errno != EINTR {
                throw SupportError.system("send")
            }
        }
        return sent
    }

    /// Sends one byte as urgent (tcp(7)).
    public func sendUrgent(_ byte: UInt8) throws {
        var byte = byte
        guard Glibc.send(descriptor, &byte, 1, Int32(MSG_OOB) | Int32(MSG_NOSIGNAL)) == 1 else {
            throw SupportError.system("send")
        }
    }

    /// Sends a text and the end of the stream in one segment, and closes.
    public func sendLast(_ text: String) throws {
        let bytes = Array(text.utf8)
        let more: Int32 = 0x8000  // MSG_MORE (send(2))
        guard Glibc.send(descriptor, bytes, bytes.count, more) == bytes.count else {
            throw SupportError.system("send")
        }
        close()
    }

    /// Receives more into ``buffer``.
    ///
    /// - Returns: `nil` when bytes came, how it ended otherwise.
    /// - Throws: ``SupportError`` when nothing came until the deadline.
    public func receive(_ deadline: Deadline = Deadline()) throws -> End? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                buffer += chunk[..<count]
                return nil
            }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                guard wait(POLLIN, deadline) else { throw SupportError("nothing came; before that: \(bufferText)") }
            case ECONNRESET, EPIPE: return .reset
            default: throw SupportError.system("recv")
            }
        }
    }

    /// What is in ``buffer``, as text.
    public var bufferText: String { String(decoding: buffer, as: UTF8.self) }

    private func wait(_ events: Int32, _ deadline: Deadline) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let result = Glibc.poll(&poll, 1, deadline.milliseconds)
            if result > 0 { return true }
            if result == 0 || deadline.hasPassed { return false }
        }
    }

    /// Takes bytes up to and with `mark`; `nil` when the connection ends before.
    public func take(through mark: String, _ deadline: Deadline = Deadline()) throws -> String? {
        let mark = Array(mark.utf8)
        var searched = 0
        while true {
            if let end = Self.end(of: mark, in: buffer, from: searched) {
                let text = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeFirst(end)
                return text
            }
            searched = max(0, buffer.count - mark.count)
            if try receive(deadline) != nil { return nil }
        }
    }

    /// Takes exactly `count` bytes; `nil` when the connection ends before.
    public func take(_ count: Int, _ deadline: Deadline = Deadline()) throws -> [UInt8]? {
        while buffer.count < count { if try receive(deadline) != nil { return nil } }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    /// Takes `count` bytes and forgets them.
    ///
    /// - Parameter count: how many.
    /// - Returns: whether they came before the end of the connection.
    /// - Throws: ``SupportError`` when they did not come in time.
    public func skip(_ count: Int) throws -> Bool {
        var rest = count - min(count, buffer.count)
        buffer.removeFirst(count - rest)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        let deadline = Deadline(seconds: 60)
        while rest > 0 {
            let received = recv(descriptor, &chunk, min(chunk.count, rest), 0)
            if received > 0 {
                rest -= received
            } else if received == 0 || (errno != EAGAIN && errno != EINTR) {
                return false
            } else if !wait(POLLIN, deadline) {
                throw SupportError("\(rest) of \(count) bytes did not come")
            }
        }
        return true
    }

    private static func end(of mark: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= mark.count else { return nil }
        for position in start...max(start, bytes.count - mark.count)
        where position + mark.count <= bytes.count && bytes[position..<position + mark.count].elementsEqual(mark) {
            return position + mark.count
        }
        return nil
    }

    /// Reads to the end of the connection; what came stays in ``buffer``.
    ///
    /// - Parameter seconds: how long to wait for it.
    /// - Returns: how it ended.
    /// - Throws: ``SupportError`` when it did not end.
    public func waitForEnd(seconds: Double = Deadline.patience) throws -> End {
        let deadline = Deadline(seconds: seconds)
        while true {
            if let end = try receive(deadline) { return end }
        }
    }

    /// Whether the peer leaves the connection open and says nothing for `seconds`.
    public func staysOpen(seconds: Double) -> Bool {
        do {
            return try receive(Deadline(seconds: seconds)) == nil
        } catch {
            return true
        }
    }

    /// Sends FIN, and goes on reading.
    public func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes it.
    public func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Closes it with RST.
    public func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}
