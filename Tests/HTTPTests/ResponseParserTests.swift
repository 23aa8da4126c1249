import PenstockBytes
import PenstockHTTP
import TestSupport
import Testing

@Suite("Response heads (RFC 9112 §4-§6)")
struct ResponseParserTests {
    static let rows = Case.rows("responses")
    static let accepted = rows.filter { $0.expected.first?.isNumber == true }

    @Test(arguments: rows)
    func `a head is read as the table says`(_ row: Case) {
        #expect(ResponseReader(row).read(row.bytes) == row.expected)
    }

    @Test(arguments: accepted)
    func `every cut of a head asks for more and is resumed`(_ row: Case) {
        for cut in RequestParserTests.cuts(row.bytes.count) {
            let reader = ResponseReader(row)
            #expect(reader.read(row.bytes[..<cut]) == "more", "cut after \(cut) bytes")
            #expect(reader.read(row.bytes) == row.expected, "cut after \(cut) bytes")
        }
    }

    @Test(arguments: rows.filter { $0.bytes.count < 1000 })
    func `a head that comes byte by byte is read as one that comes at once`(_ row: Case) {
        let reader = ResponseReader(row)
        let results = row.bytes.indices.lazy.map { reader.read(row.bytes[...$0]) }
        #expect(results.first { $0 != "more" } ?? "more" == row.expected)
    }

    @Test func `an interim head and the final one are read one after the other`() {
        let wire = Array(
            "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok".utf8
        )
        let reader = ResponseReader(capacity: wire.count, method: .post)
        #expect(reader.read(wire) == "100 none - keep")
        reader.head.reset()
        #expect(reader.read(wire[reader.length...]) == "201 length(2) 2 keep")
        #expect(FieldTests.fields(reader.head.fields) == ["Content-Length=2"])
    }

    @Test(
        arguments: [
            ("Keep-Alive: timeout=5", 5), ("Keep-Alive: max=100, TIMEOUT=7", 7), ("keep-alive: timeout=0", 0),
            ("Keep-Alive: timeout=9\r\nKeep-Alive: timeout=4", 4), ("Keep-Alive: timeout=", nil),
            ("Keep-Alive: timeout=-1", nil), ("Keep-Alive: timeout=9999999999999999999", nil),
            ("Keep-Alive: timeouts=5", nil), ("Keep-Alive: 5", nil), ("Keep-Alive:", nil), ("A: timeout=5", nil),
        ] as [(String, Int?)]
    )
    func `an upstream says how long it keeps its connection`(_ field: String, _ seconds: Int?) {
        let wire = Array("HTTP/1.1 200 OK\r\n\(field)\r\nContent-Length: 0\r\n\r\n".utf8)
        let reader = ResponseReader(capacity: wire.count, method: .get)
        _ = reader.read(wire)
        #expect(reader.head.keepAliveSeconds == seconds)
        reader.head.reset()
        #expect(reader.head.keepAliveSeconds == nil)
    }

    @Test func `fields that an upstream nominates are marked`() {
        let wire = Array("HTTP/1.1 200 OK\r\nConnection: X-Hop, Set-Cookie\r\nX-Hop: 1\r\nSet-Cookie: 2\r\n\r\n".utf8)
        let reader = ResponseReader(capacity: wire.count, method: .get)
        _ = reader.read(wire)
        var output = ByteBuffer()
        reader.head.fields.write(to: &output, excluding: .hopByHop)
        #expect(String(decoding: output.readable, as: UTF8.self) == "Set-Cookie: 2\r\n")
    }
}

/// Parses with everything against an unreadable page, and says in a line what came out.
final class ResponseReader {
    let head = ResponseHead()
    private let guarded: GuardedBytes
    private let method: PenstockHTTP.Method
    private var parser = ResponseParser(limits: HeadLimits())

    /// How many bytes the last complete head took.
    private(set) var length = 0

    init(capacity: Int, method: PenstockHTTP.Method) {
        guarded = GuardedBytes(capacity: capacity)
        self.method = method
    }

    convenience init(_ row: Case) {
        self.init(capacity: row.bytes.count, method: row.why.hasPrefix("HEAD:") ? .head : .get)
    }

    func read(_ bytes: some Collection<UInt8>) -> String {
        do {
            let length = try guarded.with(bytes) { (bytes) throws(ResponseError) in
                try parser.parse(bytes, requestMethod: method, into: head)
            }
            guard let length else { return "more" }
            self.length = length
            let size = head.contentLength.map(String.init) ?? "-"
            return "\(head.status) \(head.framing) \(size) \(head.keepsAlive ? "keep" : "close")"
        } catch {
            return "\(error.reason)"
        }
    }
}
