import PenstockBytes
import PenstockHTTP
import TestSupport
import Testing

@Suite("Request heads (RFC 9112 §2-§6)")
struct RequestParserTests {
    static let rows = Case.rows("requests")
    static let accepted = rows.filter { $0.expected.first?.isLetter == true }
    static let refused = rows.filter { $0.expected.first?.isNumber == true }

    @Test(arguments: rows)
    func `a head is read as the table says`(_ row: Case) {
        #expect(RequestReader(capacity: row.bytes.count).read(row.bytes) == row.expected)
    }

    @Test(arguments: accepted)
    func `every cut of a head asks for more and is resumed`(_ row: Case) {
        for cut in Self.cuts(row.bytes.count) {
            let reader = RequestReader(capacity: row.bytes.count)
            #expect(reader.read(row.bytes[..<cut]) == "more", "cut after \(cut) bytes")
            #expect(reader.read(row.bytes) == row.expected, "cut after \(cut) bytes")
        }
    }

    @Test(arguments: rows.filter { $0.bytes.count < 1000 })
    func `a head that comes byte by byte is read as one that comes at once`(_ row: Case) {
        let reader = RequestReader(capacity: row.bytes.count)
        let results = row.bytes.indices.lazy.map { reader.read(row.bytes[...$0]) }
        #expect(results.first { $0 != "more" } ?? "more" == row.expected)
    }

    @Test(arguments: accepted)
    func `bytes behind a head are not touched`(_ row: Case) {
        let next = Array("\u{0}\u{1}GET".utf8)
        let reader = RequestReader(capacity: row.bytes.count + next.count)
        #expect(reader.read(row.bytes + next) == row.expected)
        #expect(reader.length == row.bytes.count)
    }

    @Test(arguments: [
        ("G\u{1}", "400 a malformed request line"),
        ("GET /\u{1}", "400 a malformed request target"),
        ("GET / HTTQ", "400 a malformed request line"),
        ("GET /%0 HTTP/1.1\r\n", "400 a malformed escape in the path"),
        ("GET / HTTP/1.1\r\nA b", "400 white space before a field's colon"),
        ("GET / HTTP/1.1\r\nA: \u{1}", "400 a control byte in a field value"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "400 more than one Host"),
    ])
    func `a fault is seen before the head has ended`(_ text: String, _ expected: String) {
        #expect(RequestReader(capacity: 256).read(Array(text.utf8)) == expected)
    }

    /// All cuts of a short head, and a few hundred of a long one.
    static func cuts(_ count: Int) -> [Int] {
        count < 600
            ? Array(0..<count)
            : Array(0..<100) + Array(stride(from: 100, to: count - 100, by: 997))
                + Array(count - 100..<count)
    }
}

/// Parses with everything against an unreadable page, and says in a line what came out.
final class RequestReader {
    let head = RequestHead()
    private let guarded: GuardedBytes
    private var parser: RequestParser

    /// How many bytes the last complete head took.
    private(set) var length = 0

    init(
        capacity: Int,
        limits: HeadLimits = HeadLimits(),
        mergeSlashes: Bool = false,
        rejectEncodedSlashes: Bool = false
    ) {
        guarded = GuardedBytes(capacity: capacity)
        parser = RequestParser(limits: limits, mergeSlashes: mergeSlashes, rejectEncodedSlashes: rejectEncodedSlashes)
    }

    func read(_ bytes: some Collection<UInt8>) -> String {
        do {
            let length = try guarded.with(bytes) { (bytes) throws(RequestError) in
                try parser.parse(bytes, into: head)
            }
            guard let length else { return "more" }
            self.length = length
            return summary
        } catch {
            return "\(error.status) \(error.reason)"
        }
    }

    private var summary: String {
        let query = head.query.map { $0.isEmpty ? "" : "?" + String(decoding: $0, as: UTF8.self) } ?? ""
        let path = String(decoding: head.path, as: UTF8.self)
        let authority = String(decoding: head.authority, as: UTF8.self)
        return "\(head.method) \(path)\(query) @\(authority) \(head.framing) \(head.keepsAlive ? "keep" : "close")"
            + (head.expectsContinue ? " expects" : "")
    }
}
