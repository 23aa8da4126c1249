internal import CLinux
internal import Glibc
internal import Synchronization

/// A service whose answers a test writes: every connection runs the test's script on a thread of its own.
///
/// Listens until it is let go.
public final class ScriptedUpstream: Sendable {
    /// The port on the loopback address of its family.
    public let port: UInt16

    /// `http://127.0.0.1:PORT`, or with `[::1]`.
    public let url: String

    private let listener: Int32
    private let script: @Sendable (UpstreamConnection) throws -> Void
    private let state = Mutex(State())

    private struct State {
        var requests: [UpstreamRequest] = []
        var connections = 0
        var ended = 0
        var isClosed = false
        var failures: [String] = []
    }

    /// Listens, and runs `script` for every connection.
    ///
    /// - Parameters:
    ///   - ipv6: whether it listens on `::1`.
    ///   - script: on a thread of the connection's own; the connection is closed when it returns.
    /// - Throws: ``SupportError``.
    public init(ipv6: Bool = false, _ script: @escaping @Sendable (UpstreamConnection) throws -> Void) throws {
        self.script = script
        let address: TestAddress = ipv6 ? .ipv6("::1", 0) : .ipv4("127.0.0.1", 0)
        let listener = socket(address.domain, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0, address.withSockAddr({ bind(listener, $0, $1) }) == 0, listen(listener, 128) == 0 else {
            throw SupportError.system("listen")
        }
        self.listener = listener
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
        }
        port = withUnsafeBytes(of: &storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
        url = "http://\(ipv6 ? "[::1]" : "127.0.0.1"):\(port)"
        TestThread.start { [weak self] in while let upstream = self, upstream.accept() {} }
    }

    /// Answers every request with `response`, keeping connections open.
    ///
    /// - Parameter response: head and body, with CR LF and a Content-Length where they belong.
    /// - Throws: ``SupportError``.
    public convenience init(answering response: String) throws {
        try self.init { connection in
            while try connection.request() != nil { try connection.send(response) }
        }
    }

    /// Waits a moment for a connection; answers whether to go on.
    private func accept() -> Bool {
        var poll = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 20) > 0 else { return !isClosed }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = penstock_accept(listener, &storage, &length)
        guard descriptor >= 0 else { return !isClosed }
        let number = state.withLock { state in
            state.connections += 1
            return state.connections
        }
        let connection = UpstreamConnection(owning: descriptor, number: number, upstream: self)
        TestThread.start { self.run(connection) }
        return !isClosed
    }

    private func run(_ connection: UpstreamConnection) {
        do {
            try script(connection)
        } catch {
            state.withLock { $0.failures.append("connection \(connection.number): \(error)") }
        }
        connection.close()
        state.withLock { $0.ended += 1 }
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    func record(_ request: UpstreamRequest) { state.withLock { $0.requests.append(request) } }

    /// The requests that have come, in order.
    public var requests: [UpstreamRequest] { state.withLock { $0.requests } }

    /// How many connections have come.
    public var connections: Int { state.withLock { $0.connections } }

    /// How many of them are over.
    public var ended: Int { state.withLock { $0.ended } }

    /// What went wrong in scripts: most often that the gateway has closed a connection.
    public var failures: [String] { state.withLock { $0.failures } }

    /// Accepts no more; connections that are open stay.
    public func close() { state.withLock { $0.isClosed = true } }

    deinit { Glibc.close(listener) }
}

/// A request as an upstream has seen it.
public struct UpstreamRequest: Sendable {
    /// The connection that it came on: 1, 2, ...
    public let connection: Int
    /// The request line.
    public let line: String
    /// Names in lower case, and values, in order.
    public let fields: [(name: String, value: String)]
    /// The body without its framing.
    public var body: [UInt8] = []
    /// The fields behind the last chunk.
    public var trailers: [(name: String, value: String)] = []

    /// The values of a field, with a comma between; `nil` where there is none.
    public subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// The upstream's end of a connection.
public final class UpstreamConnection: RawSocket, @unchecked Sendable {
    /// 1, 2, ...
    ///
    /// in the order in which they came.
    public let number: Int

    /// Whose connection it is.
    public let upstream: ScriptedUpstream

    init(owning descriptor: Int32, number: Int, upstream: ScriptedUpstream) {
        self.number = number
        self.upstream = upstream
        super.init(owning: descriptor)
    }

    /// Reads the head of a request; `nil` when the connection ends first.
    ///
    /// Long enough to wait on a kept connection.
    public func head() throws -> UpstreamRequest? {
        guard let head = try take(through: "\r\n\r\n", Deadline(seconds: 60)) else { return nil }
        var lines: [String] = []
        var line: [UInt8] = []
        for byte in head.utf8 {
            line.append(byte)
            guard line.suffix(2) == [13, 10] else { continue }
            lines.append(String(decoding: line.dropLast(2), as: UTF8.self))
            line = []
        }
        let fields = try lines.dropFirst().dropLast().map(RawResponse.field)
        return UpstreamRequest(connection: number, line: lines[0], fields: fields)
    }

    /// Reads a whole request, and keeps a record of it; `nil` when the connection ends first.
    public func request() throws -> UpstreamRequest? {
        guard var request = try head() else { return nil }
        if let length = request["content-length"].flatMap({ Int($0) }) {
            guard let body = try take(length) else { throw SupportError("cut inside the body") }
            request.body = body
        } else if request["transfer-encoding"] == "chunked" {
            try chunks(&request)
        }
        upstream.record(request)
        return request
    }

    private func chunks(_ request: inout UpstreamRequest) throws {
        while let chunk = try chunk() {
            if !chunk.isEmpty {
                request.body += chunk
                continue
            }
            while let line = try take(through: "\r\n") {
                if line == "\r\n" { return }
                request.trailers.append(try RawResponse.field(String(line.dropLast(1))))
            }
        }
        throw SupportError("cut inside a chunked body")
    }

    /// Reads one chunk of a body: empty for the last one, `nil` when the connection ends before it is whole.
    public func chunk() throws -> [UInt8]? {
        guard let line = try take(through: "\r\n") else { return nil }
        guard let size = Int(line.dropLast(1), radix: 16) else { throw SupportError("not a chunk: '\(line)'") }
        if size == 0 { return [] }
        return try take(size + 2).map { $0.dropLast(2) }
    }

    /// Sends a response with a body and its length.
    public func respond(_ status: String = "200 OK", fields: String = "", _ body: String = "") throws {
        try send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Waits a little: where the order of two events at the gateway is what is tested.
    public func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }
}
