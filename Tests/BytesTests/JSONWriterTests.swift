import PenstockBytes
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
    /// What the writer makes of some raw bytes, as a string value.
    private func written(_ bytes: [UInt8]) -> String {
        var buffer = ByteBuffer()
        var json = JSONWriter()
        bytes.withUnsafeBytes { json.string($0, &buffer) }
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    @Test(arguments: Escaped.cases)
    func `a string from raw bytes is escaped`(_ row: Escaped) {
        #expect(written(row.bytes) == "\"\(row.json)\"")
    }

    @Test(arguments: Escaped.cases)
    func `it does not matter where in a word the special byte stands`(_ row: Escaped) {
        for before in 0..<17 {
            for after in [0, 1, 7, 8, 9] {
                let head = String(repeating: "a", count: before)
                let tail = String(repeating: "~", count: after)
                #expect(written(Array(head.utf8) + row.bytes + Array(tail.utf8)) == "\"\(head)\(row.json)\(tail)\"")
            }
        }
    }

    @Test func `every byte alone and after another makes valid JSON`() throws {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let text = written([first, second])
                let value = try JSONValue(parsing: text)
                #expect(value.string == String(decoding: [first, second], as: UTF8.self))
            }
        }
    }

    @Test func `ill-formed sequences become as many replacements as Swift's own decoder makes`() throws {
        var random = SystemRandomNumberGenerator()
        let alphabet: [UInt8] = [
            0x41, 0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xED, 0x9F, 0xF0, 0x90, 0xF4, 0x8F, 0xFF, 0xE2, 0x82,
        ]
        for _ in 0..<5_000 {
            let bytes = (0..<8).map { _ in alphabet[Int.random(in: alphabet.indices, using: &random)] }
            #expect(try JSONValue(parsing: written(bytes)).string == String(decoding: bytes, as: UTF8.self), "\(bytes)")
        }
    }

    @Test func `commas and colons stand where they belong`() {
        var buffer = ByteBuffer()
        var json = JSONWriter()
        json.beginObject(&buffer)
        json.member("a", 1, &buffer)
        json.key("b", &buffer)
        json.beginArray(&buffer)
        json.beginArray(&buffer)
        json.endArray(&buffer)
        json.beginObject(&buffer)
        json.endObject(&buffer)
        json.null(&buffer)
        json.number(-7, &buffer)
        json.string("x", &buffer)
        json.endArray(&buffer)
        json.member("c", true, &buffer)
        json.key("d\"" as String, &buffer)
        json.string("é" as String, &buffer)
        json.endObject(&buffer)
        #expect(
            String(decoding: buffer.readable, as: UTF8.self) == #"{"a":1,"b":[[],{},null,-7,"x"],"c":true,"d\"":"é"}"#
        )
    }

    @Test func `a string can be written in parts`() {
        var buffer = ByteBuffer()
        var json = JSONWriter()
        json.beginArray(&buffer)
        json.beginString(&buffer)
        for part in ["a\"", ",", "b"] { Array(part.utf8).withUnsafeBytes { json.stringPart($0, &buffer) } }
        json.endString(&buffer)
        json.bool(false, &buffer)
        json.endArray(&buffer)
        #expect(String(decoding: buffer.readable, as: UTF8.self) == #"["a\",b",false]"#)
    }
}

/// One row: raw bytes, and the inside of the string that they become.
struct Escaped: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    let json: String
    var testDescription: String { json }

    init(_ bytes: [UInt8], _ json: String) {
        self.bytes = bytes
        self.json = json
    }

    static let cases: [Escaped] = [
        .init([], ""),
        .init(Array("plain / text".utf8), "plain / text"),
        .init([0x22], #"\""#),
        .init([0x5C], #"\\"#),
        .init([0x08, 0x09, 0x0A, 0x0C, 0x0D], #"\b\t\n\f\r"#),
        .init([0x00, 0x1B, 0x1F], #"\u0000\u001b\u001f"#),
        .init([0x7F], #"\u007f"#),
        .init([0xC2, 0x9B], #"\u009b"#),
        .init([0xC2, 0xA0], "\u{A0}"),
        .init(Array("é€😀".utf8), "é€😀"),
        .init([0x80], #"\ufffd"#),
        .init([0xC0, 0xAF], #"\ufffd\ufffd"#),
        .init([0xE2, 0x82], #"\ufffd"#),
        .init([0xE2, 0x82, 0x22], #"\ufffd\""#),
        .init([0xF0, 0x9F, 0x98], #"\ufffd"#),
        .init([0xED, 0xA0, 0x80], #"\ufffd\ufffd\ufffd"#),
        .init([0xF4, 0x90, 0x80, 0x80], #"\ufffd\ufffd\ufffd\ufffd"#),
        .init([0xFF, 0xFE], #"\ufffd\ufffd"#),
    ]
}
