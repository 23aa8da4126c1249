internal import Glibc

/// A client that sends bytes as they are, and reads responses strictly.
public final class RawClient: RawSocket, @unchecked Sendable {
    /// Connects.
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - receiveBuffer: bytes that the kernel keeps for a client that does not read; its own choice where `nil`.
    ///   - source: the address to connect from, such as `127.0.0.2`.
    /// - Throws: ``SupportError``.
    public init(_ address: TestAddress, receiveBuffer: Int32? = nil, source: String? = nil) throws {
        let descriptor = socket(address.domain, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SupportError.system("socket") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        if let source {
            _ = TestAddress.ipv4(source, 0).withSockAddr { bind(descriptor, $0, $1) }
        }
        guard address.withSockAddr({ connect(descriptor, $0, $1) }) == 0 else {
            defer { Glibc.close(descriptor) }
            throw SupportError.system("connect to \(address)")
        }
        super.init(owning: descriptor)
    }

    /// A request as it goes over the wire: line feeds of the head become CR LF, a Host is added where there is none.
    public static func wire(_ request: String) -> String {
        let parts = split(request)
        var lines = parts.head.split(separator: "\n").map(String.init)
        if !lines[0].contains(" HTTP/") { lines[0] += " HTTP/1.1" }
        if !lines.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: example.com") }
        return (lines + ["", ""]).joined(separator: "\r\n") + parts.body
    }

    private static func split(_ request: String) -> (head: String, body: String) {
        let bytes = Array(request.utf8)
        for position in bytes.indices.dropLast() where bytes[position] == 10 && bytes[position + 1] == 10 {
            return (
                String(decoding: bytes[..<position], as: UTF8.self),
                String(decoding: bytes[(position + 2)...], as: UTF8.self)
            )
        }
        return (request, "")
    }

    /// Sends a request, written as for ``wire(_:)``.
    public func request(_ request: String) throws { try send(Self.wire(request)) }

    /// Sends a request and reads its response.
    public func answer(_ request: String) throws -> RawResponse {
        try send(Self.wire(request))
        return try response(to: String(request.prefix { $0 != " " }))
    }

    /// Reads exactly one response, with the interim ones before it; what follows stays in ``RawSocket/buffer``.
    ///
    /// - Parameters:
    ///   - method: that of the request: a response to HEAD has no body.
    ///   - seconds: how long it may take.
    /// - Returns: the response; ``RawResponse/isCut`` where the connection ended inside its body.
    /// - Throws: ``SupportError`` where no whole head came, or what came is not HTTP.
    public func response(to method: String = "GET", seconds: Double = Deadline.patience) throws -> RawResponse {
        let deadline = Deadline(seconds: seconds)
        var response = try head(deadline)
        while response.status < 200, response.status != 101 {
            let interim = response.interim + [response.status]
            let fields = response.interimFields + [response.fields]
            response = try head(deadline)
            response.interim = interim
            response.interimFields = fields
        }
        if method != "HEAD", ![101, 204, 304].contains(response.status) { try body(&response, deadline) }
        return response
    }

    /// Reads the head of a response, interim or final.
    public func head(_ deadline: Deadline = Deadline()) throws -> RawResponse {
        guard let head = try take(through: "\r\n\r\n", deadline) else {
            throw SupportError("the connection ended before the response; it said '\(bufferText)'")
        }
        return try RawResponse(head: head)
    }

    private func body(_ response: inout RawResponse, _ deadline: Deadline) throws {
        if response["transfer-encoding"] == "chunked" {
            while let chunk = try chunk(deadline) {
                if chunk.isEmpty { return try trailers(&response, deadline) }
                response.body += chunk
            }
            response.isCut = true
        } else if let length = response["content-length"].flatMap({ Int($0) }) {
            if let body = try take(length, deadline) {
                response.body = body
            } else {
                response.isCut = true
                response.body = buffer
                buffer = []
            }
        } else {
            response.end = try waitForEnd()
            response.isCut = response.end == .reset
            response.body = buffer
            buffer = []
        }
    }

    /// Reads one chunk: empty for the last one, `nil` when the connection ends before it is whole.
    public func chunk(_ deadline: Deadline = Deadline()) throws -> [UInt8]? {
        guard let line = try take(through: "\r\n", deadline) else { return nil }
        guard let size = Int(line.dropLast(1), radix: 16) else { throw SupportError("not a chunk: '\(line)'") }
        if size == 0 { return [] }
        guard let bytes = try take(size + 2, deadline) else { return nil }
        guard bytes.suffix(2) == [13, 10] else { throw SupportError("a chunk without CR LF behind it") }
        return bytes.dropLast(2)
    }

    private func trailers(_ response: inout RawResponse, _ deadline: Deadline) throws {
        while let line = try take(through: "\r\n", deadline) {
            if line == "\r\n" { return }
            response.trailers.append(try RawResponse.field(String(line.dropLast(1))))
        }
        response.isCut = true
    }
}
