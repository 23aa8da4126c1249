import Glibc
import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockSystem

/// Asks the gateway that uses a state folder, over its control socket.
///
/// Blocks the thread that calls it.
public struct ControlClient {
    /// Why there was no answer.
    public enum Failure: Error, Equatable {
        /// No gateway listens there; the reason in words.
        case noGateway(String)
        /// It ended before it had answered.
        case ended
    }

    private let folder: String

    /// A client of the gateway whose `state:` is `folder`.
    public init(state folder: String) { self.folder = folder }

    /// Asks for a reload, and waits for it.
    ///
    /// - Returns: whether the new configuration serves, and what the gateway says of it.
    /// - Throws: ``Failure``.
    public func reload() throws(Failure) -> ReloadReport {
        let (status, body) = try ask("POST", "/v1/reload")
        let text = body["text"]?.string ?? ""
        guard status == 200 else {
            return ReloadReport(isServing: false, summary: body["message"]?.string ?? "it said \(status)", text: text)
        }
        let file = body["configuration"]?.string ?? ""
        let generation = body["generation"]?.integer ?? 0
        return ReloadReport(isServing: true, summary: "\(file): generation \(generation) serves", text: text)
    }

    /// How an upstream is now.
    ///
    /// - Returns: `nil` where no gateway runs that has it, or answers within seconds.
    public func upstream(_ name: String) -> UpstreamReport? {
        guard let (status, body) = try? ask("GET", "/v1/upstreams/\(name)/endpoints", patience: 2), status == 200 else {
            return nil
        }
        return UpstreamReport(body)
    }

    /// Waits for the answer, at most `patience` seconds where that is given.
    private func ask(
        _ method: String,
        _ path: String,
        patience: Int? = nil
    ) throws(Failure) -> (status: Int, body: JSONValue) {
        let socket = try connect(patience)
        let request = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        let bytes: [UInt8]
        do throws(SystemError) {
            try Self.send(Array(request.utf8), to: socket.rawValue)
            bytes = try Self.receiveAll(from: socket.rawValue)
        } catch {
            throw .ended
        }
        let head = ResponseHead()
        var parser = ResponseParser(limits: HeadLimits())
        guard let length = try? parser.parse(bytes.span.bytes, requestMethod: .post, into: head),
            let body = try? JSONValue(parsing: Array(bytes[length...]).span.bytes)
        else { throw .ended }
        return (head.status, body)
    }

    private static func send(_ bytes: [UInt8], to socket: Int32) throws(SystemError) {
        try bytes.span.bytes.withUnsafeBytes { (bytes) throws(SystemError) in
            var sent = 0
            while sent < bytes.count {
                sent += try Socket.send(socket, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
        }
    }

    private static func receiveAll(from socket: Int32) throws(SystemError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { buffer.deallocate() }
        var bytes: [UInt8] = []
        while let count = try Socket.receive(socket, into: buffer), count > 0 { bytes += buffer[..<count] }
        return bytes
    }

    private func connect(_ patience: Int?) throws(Failure) -> FileDescriptor {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .noGateway(SystemError(call: "socket").reason) }
        let socket = FileDescriptor(owning: descriptor)
        if let patience {
            var time = timeval(tv_sec: patience, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
        }
        let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw .noGateway(SystemError(call: "open").reason) }
        let directory = FileDescriptor(owning: opened)
        guard let address = StateFolder.controlAddress(in: directory.rawValue) else { throw .noGateway("no address") }
        guard address.withSockAddr({ Glibc.connect(socket.rawValue, $0, $1) }) == 0 else {
            throw .noGateway(SystemError(call: "connect").reason)
        }
        return socket
    }
}

/// What the gateway said of a reload.
public struct ReloadReport: Equatable, Sendable {
    /// Whether the new configuration serves; otherwise the old one does.
    public let isServing: Bool

    /// In a line.
    public let summary: String

    /// Errors and warnings as `check` prints them; may be empty.
    public let text: String
}
