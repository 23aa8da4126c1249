import Glibc
import TestSupport
import Testing

@testable import PenstockHandlers

@Suite("Compressed files beside files")
struct PrecompressedFileTests {
    private let fixture: FileFixture

    init() throws {
        fixture = try FileFixture()
        for name in ["both.css", "both.css.br", "both.css.gz", "only.js", "only.js.gz", "index.html", "index.html.br"] {
            try fixture.write(name, name)
        }
        for name in ["none.txt", "stale.css", "stale.css.br", "lone.css.br", "odd.css"] {
            try fixture.write(name, name)
        }
        try fixture.write("odd.css.br/file", "a folder")
        try fixture.write("../outside.br", "secret")
        try fixture.write("link.css", "link.css")
        symlink("../outside.br", fixture.root + "/link.css.br")
        for name in ["both.css", "both.css.gz", "stale.css"] { fixture.touch(name, 1_000_000_000) }
        fixture.touch("stale.css.br", 999_999_999)
    }

    private func answer(_ request: String, precompressed: Bool = true) throws -> ScriptedAnswer {
        try answerOverBoth(request) {
            try StaticFilesHandler(root: fixture.root, parameter: nil, precompressed: precompressed)
        }
    }

    /// What is asked for with which Accept-Encoding, and which file comes.
    @Test(arguments: [
        ("/both.css", "gzip, deflate, br", "both.css.br"), ("/both.css", "gzip", "both.css.gz"),
        ("/both.css", "x-gzip", "both.css.gz"), ("/both.css", "br;q=0.5, gzip;q=0.8", "both.css.gz"),
        ("/both.css", "br;q=0, *", "both.css.gz"), ("/both.css", "*", "both.css.br"), ("/both.css", "", "both.css"),
        ("/both.css", "identity, gzip;q=0.5", "both.css"), ("/both.css", "identity;q=0.5, gzip", "both.css.gz"),
        ("/both.css", "gzip;q=0", "both.css"), ("/both.css", "deflate", "both.css"), ("/both.css", "*;q=0", "both.css"),
        ("/only.js", "br, gzip", "only.js.gz"), ("/only.js", "br", "only.js"), ("/none.txt", "br, gzip", "none.txt"),
        ("/", "br", "index.html.br"), ("/stale.css", "br, gzip", "stale.css"), ("/odd.css", "br", "odd.css"),
        ("/link.css", "br", "link.css"),
    ])
    func `the file comes in the coding that the client would rather have`(
        _ path: String,
        _ accepted: String,
        _ name: String
    ) throws {
        let answer = try answer("GET \(path)\nAccept-Encoding: \(accepted)")
        #expect(answer.status == 200)
        #expect(answer.text == name)
        #expect(answer.contentLength == name.utf8.count)
        #expect(answer["content-encoding"] == (name.hasSuffix(".br") ? "br" : name.hasSuffix(".gz") ? "gzip" : nil))
        #expect(answer["vary"] == "Accept-Encoding")
        let plain = try self.answer("GET \(path)")
        #expect(plain["vary"] == "Accept-Encoding")
        #expect(plain["content-encoding"] == nil)
        #expect(plain["content-type"] == answer["content-type"])
        #expect((plain["etag"] == answer["etag"]) == (plain.text == answer.text))
    }

    @Test func `a coding is no file of its own`() throws {
        #expect(try answer("GET /lone.css\nAccept-Encoding: br").status == 404)
        let asked = try answer("GET /both.css.gz\nAccept-Encoding: gzip")
        #expect(asked["content-type"] == "application/gzip")
        #expect(asked["content-encoding"] == nil)
    }

    @Test func `HEAD, conditions and ranges are of what would be sent`() throws {
        let get = try answer("GET /both.css\nAccept-Encoding: br")
        let head = try answer("HEAD /both.css\nAccept-Encoding: br")
        #expect(head.fields.map(\.name) == get.fields.map(\.name))
        #expect(head.fields.map(\.value) == get.fields.map(\.value))
        #expect(head.contentLength == "both.css.br".utf8.count)
        let tag = try #require(get["etag"])
        let known = try answer("GET /both.css\nAccept-Encoding: br\nIf-None-Match: \(tag)")
        #expect(known.status == 304)
        #expect(known["vary"] == "Accept-Encoding")
        #expect(known["content-encoding"] == nil)
        #expect(try answer("GET /both.css\nIf-None-Match: \(tag)").status == 200)
        let part = try answer("GET /both.css\nAccept-Encoding: br\nRange: bytes=-2\nIf-Range: \(tag)")
        #expect(part.status == 206)
        #expect(part.text == "br")
        #expect(part["content-encoding"] == "br")
        #expect(part["content-range"] == "bytes 9-10/11")
        #expect(try answer("GET /both.css\nRange: bytes=-2\nIf-Range: \(tag)").status == 200)
    }

    @Test func `where it is not wanted nothing is looked for`() throws {
        let answer = try answer("GET /both.css\nAccept-Encoding: br", precompressed: false)
        #expect(answer.text == "both.css")
        #expect(answer["vary"] == nil)
    }
}
