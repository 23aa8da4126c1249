import PenstockBytes
import PenstockHTTP
import TestSupport
import Testing

@Suite("Chunked bodies (RFC 9112 §7.1)")
struct ChunkedDecoderTests {
    static let rows = Case.rows("chunks")
    static let accepted = rows.filter { $0.expected.hasSuffix("]") }

    @Test(arguments: rows)
    func `a body is read as the table says`(_ row: Case) {
        #expect(ChunkReader(row).read([row.bytes[...]]) == row.expected)
    }

    @Test(arguments: rows)
    func `a body that comes byte by byte is read as one that comes at once`(_ row: Case) {
        #expect(ChunkReader(row).read(row.bytes.indices.map { row.bytes[$0...$0] }) == row.expected)
    }

    @Test(arguments: accepted)
    func `every cut of a body asks for more and is resumed`(_ row: Case) {
        for cut in RequestParserTests.cuts(row.bytes.count) {
            #expect(ChunkReader(row).read([row.bytes[..<cut]]) == "more", "cut after \(cut) bytes")
            #expect(ChunkReader(row).read([row.bytes[..<cut], row.bytes[cut...]]) == row.expected, "cut after \(cut)")
        }
    }

    @Test(arguments: accepted)
    func `bytes behind a body are left alone`(_ row: Case) {
        let next = Array("0\r\n\r\n\u{0}".utf8)
        let reader = ChunkReader(capacity: row.bytes.count + next.count)
        #expect(reader.read([(row.bytes + next)[...]]) == row.expected)
        #expect(reader.rest == next.count)
    }

    @Test func `what an encoder writes is read back`() {
        var output = ByteBuffer()
        var body = ""
        for size in [1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65_536] {
            let text = String(repeating: "x", count: size)
            ResponseEncoder.appendChunkHeader(size, to: &output)
            output.append(text)
            ResponseEncoder.appendChunkEnd(to: &output)
            body += text
        }
        let trailers = FieldBlock()
        trailers.append(.other, "x-t", "1")
        trailers.append(.contentLength, "content-length", "7")
        ResponseEncoder.appendLastChunk(trailers: trailers, to: &output)
        let wire = Array(output.readable)
        #expect(ChunkReader(capacity: wire.count).read([wire[...]]) == body + " [x-t=1]")
    }
}

/// Decodes with everything against an unreadable page, and says what came out.
final class ChunkReader {
    private let guarded: GuardedBytes
    private var decoder = ChunkedDecoder(limits: HeadLimits())
    private let trailers = FieldBlock()
    private var body: [UInt8] = []

    /// How many bytes of the last piece were left alone.
    private(set) var rest = 0

    init(capacity: Int) { guarded = GuardedBytes(capacity: capacity) }

    convenience init(_ row: Case) { self.init(capacity: row.bytes.count) }

    func read(_ pieces: [ArraySlice<UInt8>]) -> String {
        do {
            for piece in pieces where try take(piece) {
                return
                    "\(String(decoding: body, as: UTF8.self)) [\(FieldTests.fields(trailers).joined(separator: ", "))]"
            }
            return "more"
        } catch {
            return "\(error.status) \(error.reason)"
        }
    }

    /// Takes a piece; answers whether the body ended in it.
    private func take(_ piece: ArraySlice<UInt8>) throws(RequestError) -> Bool {
        try guarded.with(piece) { (bytes) throws(RequestError) in
            var offset = 0
            while true {
                switch try decoder.next(bytes, offset: &offset, trailers: trailers) {
                case .data(let range):
                    #expect(!range.isEmpty)
                    body += piece[piece.startIndex + range.lowerBound..<piece.startIndex + range.upperBound]
                case .end:
                    rest = piece.count - offset
                    return true
                case .needMore:
                    #expect(offset == piece.count)
                    return false
                }
            }
        }
    }
}
