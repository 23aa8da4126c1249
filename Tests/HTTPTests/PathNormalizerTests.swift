import PenstockBytes
import PenstockHTTP
import TestSupport
import Testing

@Suite("Paths (architecture.md, section 6)")
struct PathNormalizerTests {
    static let rows = Case.rows("paths")

    @Test(arguments: rows)
    func `a path has one form or none`(_ row: Case) {
        #expect(Self.normalize(row.bytes, by: Self.normalizer(row)) == row.expected)
    }

    @Test(arguments: rows.filter { $0.expected.hasPrefix("/") })
    func `the normal form is its own normal form`(_ row: Case) {
        let once = Array(row.expected.utf8)
        #expect(Self.normalize(once, by: Self.normalizer(row)) == row.expected)
    }

    @Test(arguments: rows.filter { Self.reachesNormalizer($0.bytes) })
    func `the parser gives a path its normal form`(_ row: Case) {
        let reader = RequestReader(
            capacity: 4096,
            mergeSlashes: row.why.hasPrefix("merge:"),
            rejectEncodedSlashes: row.why.hasPrefix("reject:")
        )
        let result = reader.read(Array("GET ".utf8) + row.bytes + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let isNormal = row.expected.hasPrefix("/")
        #expect(result == (isNormal ? "get \(row.expected) @a none keep" : "400 \(row.expected)"))
    }

    @Test func `a path of nothing but escapes takes time in proportion to its length`() {
        let path = Array(("/%" + String(repeating: "25", count: 30_000) + "2e").utf8)
        let normalizer = PathNormalizer(mergeSlashes: false, rejectEncodedSlashes: false)
        #expect(Self.normalize(path, by: normalizer).utf8.count == path.count)
    }

    /// Bytes that no target has are refused before the path is looked at.
    static func reachesNormalizer(_ path: [UInt8]) -> Bool {
        path.first == UInt8(ascii: "/")
            && path.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "?") }
    }

    private static func normalizer(_ row: Case) -> PathNormalizer {
        PathNormalizer(mergeSlashes: row.why.hasPrefix("merge:"), rejectEncodedSlashes: row.why.hasPrefix("reject:"))
    }

    private static func normalize(_ path: [UInt8], by normalizer: PathNormalizer) -> String {
        var output = ByteBuffer()
        output.append("before")
        do {
            try GuardedBytes(capacity: path.count).with(path) { (bytes) throws(PathFault) in
                try bytes.withUnsafeBytes { (bytes) throws(PathFault) in try normalizer.normalize(bytes, to: &output) }
            }
        } catch {
            #expect(output.count == 6)
            return "\(error.reason)"
        }
        output.consume(6)
        return String(decoding: output.readable, as: UTF8.self)
    }
}
