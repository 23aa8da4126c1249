import PenstockHTTP
import Testing

@Suite("Accept-Encoding (RFC 9110 §12.5.3)")
struct AcceptEncodingTests {
    /// Lines of the field, and what they say of `br`, `gzip` and, without `*`, of `identity`.
    static let rows: [(lines: [String], brotli: Int?, gzip: Int?, identity: Int?)] = [
        (["gzip, deflate, br"], 1000, 1000, nil), (["gzip"], nil, 1000, nil), (["GZIP;Q=0.5"], nil, 500, nil),
        (["br;q=1.0, gzip;q=0.8, *;q=0.1"], 1000, 800, nil), (["*"], 1000, 1000, nil), (["*;q=0"], 0, 0, nil),
        (["gzip;q=0, *"], 1000, 0, nil), (["*, gzip;q=0"], 1000, 0, nil), (["br ; q=0.123 ,\tgzip"], 123, 1000, nil),
        (["identity;q=0.5, br;q=0.1"], 100, nil, 500), (["identity"], nil, nil, 1000), ([""], nil, nil, nil),
        ([], nil, nil, nil), (["gzip", "br;q=0.7"], 700, 1000, nil), ([", ,gzip,,"], nil, 1000, nil),
        (["gzip;q=1.001, br;q=2"], nil, nil, nil), (["gzip;q=0.1234"], nil, nil, nil), (["gzip;q="], nil, nil, nil),
        (["gzip;q=a, br;x=1"], nil, nil, nil), (["gzip;q=1.000, br;q=0.000"], 0, 1000, nil),
        (["gzip;q=.5"], nil, nil, nil),
        (["gzipped, xbr"], nil, nil, nil), (["gzip;q=0.5;x=1"], nil, nil, nil), (["gzip;q=1."], nil, 1000, nil),
    ]

    @Test(arguments: rows)
    func `each coding has its weight`(_ row: (lines: [String], brotli: Int?, gzip: Int?, identity: Int?)) {
        let fields = FieldBlock()
        fields.append(.accept, "accept", "br;q=0.9")
        for line in row.lines { fields.append(.acceptEncoding, "accept-encoding", line) }
        #expect(AcceptEncoding.quality(of: "br", in: fields) == row.brotli)
        #expect(AcceptEncoding.quality(of: "gzip", in: fields) == row.gzip)
        #expect(AcceptEncoding.quality(of: "identity", in: fields, wildcard: false) == row.identity)
    }
}
