import PenstockBytes
import PenstockHTTP
import PenstockSystem
import TestSupport
import Testing

@testable import PenstockFunctions

/// What comes from clients and functions, cut at every byte, against a page that nobody may read.
@Suite("Inputs that end anywhere")
struct GuardedInputTests {
    /// Calls `body` with every beginning of `text`, each of which ends where memory ends.
    private func cut(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let bytes = Array(text.utf8)
        let page = GuardedBytes(capacity: bytes.count)
        for count in 0...bytes.count {
            try page.with(bytes[..<count]) { span in try span.withUnsafeBytes { try body($0) } }
        }
    }

    @Test
    func `an envelope`() {
        var whole = 0
        cut("\u{0}\u{7F}\u{0}\u{0}\u{0}\u{6}a: b\r\nbody") { bytes in
            guard let envelope = try? Envelope.parse(bytes) else { return }
            whole += 1
            #expect(envelope.fields == 6..<12 && envelope.body == 12..<bytes.count)
        }
        #expect(whole == 5)  // from where its fields are whole: the body is what is left
    }

    @Test
    func `the fields of a reply`() {
        var counts: [Int] = []
        cut("x-a: 1\r\nSet-Cookie: b=2\r\ncontent-type: text/plain\r\n") { bytes in
            let response = ResponseHead()
            guard (try? FunctionReply.fill(response, status: 204, fields: bytes)) != nil else { return }
            counts.append(response.fields.count)
        }
        #expect(counts == [0, 1, 2, 3])
    }

    @Test
    func `the result of a command`() {
        let fields = #""headers":{"a":["b",1]},"cookies":["c"]"#
        let result = #"{"statusCode":"201",\#(fields),"body":"aGk=","isBase64Encoded":true}"#
        var bodies: [String] = []
        cut(result) { bytes in
            guard let result = try? FunctionResult(json: bytes) else { return }
            bodies.append(String(decoding: result.body.readable, as: UTF8.self))
        }
        #expect(bodies == ["hi"])
    }

    @Test
    func `a query`() {
        var parameters = QueryParameters()
        var last = ""
        cut("a=1&b=%c3%bc+x&a=%2&&=3&c") { bytes in
            var output = ByteBuffer()
            parameters.write(bytes, to: &output)
            last = String(decoding: output.readable, as: UTF8.self)
        }
        #expect(last == #","queryStringParameters":{"a":"1,%2","b":"ü x","":"3","c":""}"#)
    }

    @Test
    func `what is printed`() {
        cut("one\ntwo\r\n\nthree") { bytes in
            var log = InstanceLog()
            var lines: [String] = []
            let now = Instant(nanoseconds: 1)
            log.receive(bytes, at: now) { lines.append(String(decoding: $0, as: UTF8.self)) }
            log.flush(at: now) { lines.append(String(decoding: $0, as: UTF8.self)) }
            let whole = bytes.last == 0x0A ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
            #expect(lines.joined(separator: "\n") == String(decoding: whole, as: UTF8.self))
        }
    }
}
