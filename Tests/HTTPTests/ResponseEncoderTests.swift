import PenstockBytes
import PenstockHTTP
import Testing

@Suite("Writing responses (RFC 9112 §4-§7)")
struct ResponseEncoderTests {
    @Test func `a response of our own`() {
        let head = ResponseHead()
        head.fields.append(.contentType, "content-type", "text/plain")
        #expect(
            Self.encode(head, .length(3), server: "penstock", requestID: "id-1") == """
                HTTP/1.1 200 OK
                content-type: text/plain
                date: Sun, 06 Nov 1994 08:49:37 GMT
                server: penstock
                x-request-id: id-1
                content-length: 3


                """
        )
    }

    @Test func `fields of another hop, of framing and of ours are left out, the others stay as they came`() {
        let head = ResponseHead()
        head.status = 404
        head.fields.append(.connection, "Connection", "X-Hop")
        head.fields.append(.nominated, "X-Hop", "1")
        head.fields.append(.setCookie, "Set-Cookie", "a")
        head.fields.append(.setCookie, "Set-Cookie", "b")
        head.fields.append(.contentLength, "Content-Length", "99")
        head.fields.append(.transferEncoding, "Transfer-Encoding", "chunked")
        head.fields.append(.xRequestID, "X-Request-Id", "theirs")
        head.fields.append(.xPenstock, "x-penstock-a", "1")
        head.fields.append(.upgrade, "Upgrade", "h2c")
        head.fields.append(.date, "Date", "yesterday")
        head.fields.append(.server, "Server", "theirs")
        #expect(
            Self.encode(head, .chunked, server: "penstock") == """
                HTTP/1.1 404 Not Found
                Set-Cookie: a
                Set-Cookie: b
                Date: yesterday
                Server: theirs
                transfer-encoding: chunked


                """
        )
    }

    @Test func `a field that was taken out is replaced by ours`() {
        let head = ResponseHead()
        head.fields.append(.server, "Server", "theirs")
        head.fields.append(.date, "Date", "yesterday")
        Array("server".utf8).withUnsafeBytes { head.fields.remove(named: $0) }
        head.fields.remove(FieldNameSet(.date))
        let text = Self.encode(head, .none, server: "penstock")
        #expect(text == "HTTP/1.1 200 OK\ndate: Sun, 06 Nov 1994 08:49:37 GMT\nserver: penstock\n\n")
    }

    @Test(arguments: [
        (MessageFraming.length(0), true, 1, ["content-length: 0"]),
        (.length(1_234_567), true, 1, ["content-length: 1234567"]),
        (.none, true, 1, []),
        (.none, false, 1, ["connection: close"]),
        (.none, true, 0, ["connection: keep-alive"]),
        (.none, false, 0, ["connection: close"]),
        (.chunked, true, 1, ["transfer-encoding: chunked"]),
        (.untilClose, true, 1, ["connection: close"]),
        (.untilClose, true, 0, ["connection: close"]),
    ])
    func `framing and persistence are said`(_ framing: MessageFraming, _ keeps: Bool, _ minor: Int, _ lines: [String]) {
        let text = Self.encode(ResponseHead(), framing, keepAlive: keeps, minorVersion: minor)
        #expect(text.split(separator: "\n").dropFirst(2).map(String.init) == lines)
    }

    @Test func `the answer to an upgrade keeps its Upgrade field`() {
        let head = ResponseHead()
        head.status = 101
        head.fields.append(.upgrade, "Upgrade", "websocket")
        head.fields.append(.connection, "Connection", "Upgrade")
        let text = Self.encode(head, .none)
        #expect(text.hasPrefix("HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\ndate:"))
        #expect(text.hasSuffix("connection: upgrade\n\n"))
    }

    @Test func `an interim response has its own fields alone`() {
        let head = ResponseHead()
        head.status = 103
        head.fields.append(.other, "Link", "</a>")
        head.fields.append(.contentLength, "Content-Length", "5")
        var output = ByteBuffer()
        ResponseEncoder.encodeInterim(head, to: &output)
        #expect(String(decoding: output.readable, as: UTF8.self) == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    }

    @Test func `a status without a name has an empty reason phrase`() {
        let head = ResponseHead()
        head.status = 599
        #expect(Self.encode(head, .none).hasPrefix("HTTP/1.1 599 \n"))
    }

    @Test(arguments: [100, 200, 204, 301, 304, 400, 404, 431, 500, 505])
    func `what is written is read back`(_ status: Int) {
        let head = ResponseHead()
        head.status = status
        head.fields.append(.other, "x-a", "b")
        let text = Self.encode(head, .length(7))
        let wire = text.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] }
        let reader = ResponseReader(capacity: wire.count, method: .get)
        let framing = status < 200 || status == 204 || status == 304 ? "none" : "length(7)"
        #expect(reader.read(wire) == "\(status) \(framing) 7 keep")
    }

    private static func encode(
        _ head: ResponseHead,
        _ framing: MessageFraming,
        keepAlive: Bool = true,
        minorVersion: Int = 1,
        server: String? = nil,
        requestID: String? = nil
    ) -> String {
        let date = Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8)
        let server = server.map { Array($0.utf8) }
        let requestID = requestID.map { Array($0.utf8) }
        var output = ByteBuffer()
        date.withUnsafeBytes { date in
            (server ?? []).withUnsafeBytes { serverBytes in
                (requestID ?? []).withUnsafeBytes { idBytes in
                    ResponseEncoder.encode(
                        head,
                        framing: framing,
                        keepAlive: keepAlive,
                        requestMinorVersion: minorVersion,
                        date: date,
                        server: server == nil ? nil : serverBytes,
                        requestID: requestID == nil ? nil : idBytes,
                        to: &output
                    )
                }
            }
        }
        return String(decoding: output.readable, as: UTF8.self).split(
            separator: "\r\n",
            omittingEmptySubsequences: false
        )
        .joined(separator: "\n")
    }
}
