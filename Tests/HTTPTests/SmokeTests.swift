import PenstockBytes
import PenstockHTTP
import TestSupport
import Testing

@Test func `a request is parsed`() throws {
    let guarded = GuardedBytes(capacity: 1 << 16)
    let text =
        "POST /a/%2e%2e/b%c3?x=1 HTTP/1.1\r\nHost: Example.com\r\nContent-Length: 5\r\nX-Forwarded-For: 1\r\nConnection: close, X-A\r\nX-a: b \t\r\n\r\nhello"
    var parser = RequestParser(limits: HeadLimits(), mergeSlashes: false, rejectEncodedSlashes: false)
    let head = RequestHead()
    let n = try guarded.with(Array(text.utf8)) { (bytes) throws(RequestError) in try parser.parse(bytes, into: head) }
    #expect(n == text.utf8.count - 5)
    #expect(String(decoding: head.path, as: UTF8.self) == "/b%C3")
    #expect(head.query.map { String(decoding: $0, as: UTF8.self) } == "x=1")
    #expect(String(decoding: head.authority, as: UTF8.self) == "Example.com")
    #expect(head.framing == .length(5))
    #expect(!head.keepsAlive)
    for index in 0..<head.fields.count {
        let f = head.fields[index]
        print(
            f.id.rawValue,
            String(decoding: head.fields.name(f), as: UTF8.self),
            String(decoding: head.fields.value(f), as: UTF8.self)
        )
    }
}
