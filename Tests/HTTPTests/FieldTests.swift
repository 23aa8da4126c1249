import PenstockBytes
import PenstockHTTP
import Testing

@Suite("Fields of a request")
struct FieldTests {
    @Test(arguments: [
        ("host", FieldName.host), ("Connection", .connection), ("KEEP-ALIVE", .keepAlive),
        ("proxy-connection", .proxyConnection), ("Transfer-Encoding", .transferEncoding), ("te", .te),
        ("trailer", .trailer), ("upgrade", .upgrade), ("http2-settings", .http2Settings),
        ("content-length", .contentLength), ("content-type", .contentType), ("content-encoding", .contentEncoding),
        ("expect", .expect), ("date", .date), ("server", .server), ("cookie", .cookie), ("set-cookie", .setCookie),
        ("authorization", .authorization), ("proxy-authenticate", .proxyAuthenticate),
        ("proxy-authorization", .proxyAuthorization), ("forwarded", .forwarded), ("X-Forwarded-For", .xForwardedFor),
        ("x-forwarded-host", .xForwardedHost), ("x-forwarded-proto", .xForwardedProto),
        ("x-forwarded-port", .xForwardedOther), ("x-forwarded-server", .xForwardedOther),
        ("x-forwarded-", .xForwardedOther), ("x-forwarded-fox", .xForwardedOther), ("x-real-ip", .xRealIP),
        ("x-original-url", .xOriginalURL), ("x-rewrite-url", .xRewriteURL), ("x-penstock-", .xPenstock),
        ("X-Penstock-Function", .xPenstock), ("x-request-id", .xRequestID), ("via", .via),
        ("user-agent", .userAgent), ("accept", .accept), ("accept-encoding", .acceptEncoding), ("origin", .origin),
        ("location", .location), ("etag", .eTag), ("if-none-match", .ifNoneMatch),
        ("if-modified-since", .ifModifiedSince), ("last-modified", .lastModified), ("range", .range),
        ("cache-control", .cacheControl), ("retry-after", .retryAfter), ("allow", .allow),
        ("traceparent", .traceparent), ("sec-fetch-site", .secFetchSite), ("sec-websocket-key", .secWebSocketKey),
        ("sec-websocket-accept", .secWebSocketAccept), ("X_Forwarded_For", .underscored), ("a_", .underscored),
        ("content_length", .underscored), ("", .other), ("x", .other), ("hosts", .other), ("hos", .other),
        ("x-forwarded", .other), ("x-penstock", .other), ("content-lengths", .other), ("contents-length", .other),
        ("ho5t", .other), ("h-st", .other),
    ])
    func `a name has its number, whatever its case`(_ name: String, _ id: FieldName) {
        for text in [name, name.uppercased(), name.lowercased()] {
            #expect(Array(text.utf8).withUnsafeBytes { FieldName($0) } == id, "\(text)")
        }
        // The parser finds it on another way.
        guard !name.isEmpty else { return }
        let reader = RequestReader(capacity: 256)
        _ = reader.read(Array("GET / HTTP/1.0\r\n\(name): 1\r\n\r\n".utf8))
        if reader.head.fields.count == 1 { #expect(reader.head.fields[0].id == id) }
    }

    @Test func `names and values lie where they came, without the white space around them`() {
        let other = RequestReader(capacity: 256)
        let result = other.read(Array("\r\nGET / HTTP/1.1\r\nHOST: a\r\nX-A: \tb  c \t\r\nX-B:\r\nX-C:z\r\n\r\n".utf8))
        #expect(result == "get / @a none keep")
        #expect(Self.fields(other.head.fields) == ["HOST=a", "X-A=b  c", "X-B=", "X-C=z"])
    }

    @Test func `Connection nominates fields, but none that others rely on`() {
        let text = """
            GET / HTTP/1.1
            Host: a
            Connection: X-Hop, host, Authorization, cookie, Content-Length, Transfer-Encoding, x-forwarded-for
            Connection: x-request-id, X-PENSTOCK-A, UPGRADE, , a_b, Via, (bad)
            X-Hop: 1
            x-hop: 2
            Authorization: 3
            Cookie: 4
            Content-Length: 5
            X-Forwarded-For: 6
            X-Request-Id: 7
            X-Penstock-A: 8
            Upgrade: 9
            A_B: 10
            Via: 11
            X-Hop-2: 12


            """
        let reader = RequestReader(capacity: 1024)
        let wire = text.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] }
        #expect(reader.read(wire) == "get / @a length(5) keep")
        let fields = reader.head.fields
        let nominated = (0..<fields.count).filter { fields[$0].id == .nominated }.map { Self.field(fields, $0) }
        #expect(nominated == ["X-Hop=1", "x-hop=2", "A_B=10"])
        #expect(fields.contains(.connection, element: "upgrade"))
        #expect(!fields.contains(.connection, element: "close"))
        var output = ByteBuffer()
        fields.write(to: &output, excluding: .hopByHop.union(.forwarding))
        let forwarded = String(decoding: output.readable, as: UTF8.self)
        #expect(
            forwarded
                == "Host: a\r\nAuthorization: 3\r\nCookie: 4\r\nContent-Length: 5\r\nX-Request-Id: 7\r\nVia: 11\r\nX-Hop-2: 12\r\n"
        )
    }

    @Test func `a head that was refused or is not complete has nothing to be seen`() {
        let reader = RequestReader(capacity: 256)
        #expect(reader.read(Array("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z".utf8)) == "400 a folded field line")
        for index in 0..<reader.head.fields.count {
            #expect(reader.head.fields.value(reader.head.fields[index]).isEmpty)
            #expect(reader.head.fields.name(reader.head.fields[index]).isEmpty)
        }
        #expect(reader.head.path.isEmpty)
    }

    @Test(arguments: [("token", true), ("X-a_1!", true), ("", false), ("a b", false), ("a:", false), ("é", false)])
    func `a name is a token`(_ name: String, _ isValid: Bool) {
        #expect(Array(name.utf8).withUnsafeBytes { FieldRules.isValidName($0) } == isValid)
        #expect(FieldRules.isValidName(Array(name.utf8).span.bytes) == isValid)
    }

    @Test(arguments: [
        ("", true), ("a b\tc", true), ("é", true), ("a\r\nb", false), ("a\nb", false), ("a\u{0}", false),
        ("\u{7F}", false), ("0123456789abcdef0123456789\t\u{1B}", false), ("0123456789abcdef0123456789\t!", true),
    ])
    func `a value has no control bytes`(_ value: String, _ isValid: Bool) {
        #expect(Array(value.utf8).withUnsafeBytes { FieldRules.isValidValue($0) } == isValid)
        #expect(FieldRules.isValidValue(Array(value.utf8).span.bytes) == isValid)
    }

    static func fields(_ fields: FieldBlock) -> [String] { (0..<fields.count).map { field(fields, $0) } }

    static func field(_ fields: FieldBlock, _ index: Int) -> String {
        let name = String(decoding: fields.name(fields[index]), as: UTF8.self)
        return "\(name)=\(String(decoding: fields.value(fields[index]), as: UTF8.self))"
    }
}
