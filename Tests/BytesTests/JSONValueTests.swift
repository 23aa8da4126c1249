import PenstockBytes
import Testing

@Suite("JSON reader (RFC 8259)")
struct JSONValueTests {
    @Test(arguments: Accepted.cases)
    func `what the grammar allows is read`(_ row: Accepted) throws {
        #expect(try JSONValue(parsing: row.text) == row.value)
    }

    @Test(arguments: Accepted.cases)
    func `what was read is written and read again alike`(_ row: Accepted) throws {
        let value = try JSONValue(parsing: row.text)
        #expect(try JSONValue(parsing: value.jsonText) == value)
    }

    @Test(arguments: Refused.cases)
    func `what the grammar does not allow is refused at its place`(_ row: Refused) {
        #expect(throws: JSONError(offset: row.offset, reason: row.reason)) {
            try row.bytes.withUnsafeBytes { try JSONValue(parsing: $0) }
        }
    }

    @Test func `every prefix of a document ends too early`() throws {
        let text = #" {"a": [1.5e+3, -0, true, null], "é😀": "\u00e9\ud83d\ude00\n", "n": {"o": false}}"#
        let wire = Array(text.utf8)
        #expect(throws: Never.self) { try JSONValue(parsing: text) }
        for count in wire.indices {
            let error = #expect(throws: JSONError.self) {
                try wire[..<count].withUnsafeBytes { try JSONValue(parsing: $0) }
            }
            let cutsACharacter = count < wire.count && wire[count] & 0xC0 == 0x80
            #expect(error?.reason == (cutsACharacter ? .invalidUTF8 : .unexpectedEnd), "cut after \(count) bytes")
        }
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
    func `nesting is bounded`(_ open: String, _ close: String) throws {
        func text(_ depth: Int) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        #expect(throws: Never.self) { try JSONValue(parsing: text(200)) }
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text(201)) }
        #expect(error?.reason == .tooDeep)
        let bomb = #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: open, count: 1_000_000)) }
        #expect(bomb?.reason == .tooDeep)
    }

    @Test func `of several values for a key the last holds, in the place of the first`() throws {
        let value = try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#)
        #expect(value.jsonText == #"{"a":3,"b":2}"#)
    }

    @Test func `many members with many repeats are taken in linear time`() throws {
        let members = (0..<100_000).map { #""k\#($0 % 50_000)":\#($0)"# }.joined(separator: ",")
        let value = try JSONValue(parsing: "{\(members)}")
        #expect(value.object?.members.count == 50_000)
        #expect(value.object?.members.first == JSONObject.Member(key: "k0", value: 50_000))
    }

    @Test func `members are reached by name and by place`() throws {
        let value = try JSONValue(parsing: #"{"a":[{"b":"x"},7,2.5,true]}"#)
        #expect(value["a"]?[0]?["b"]?.string == "x")
        #expect(value["a"]?[1]?.integer == 7)
        #expect(value["a"]?[2]?.double == 2.5)
        #expect(value["a"]?[2]?.integer == nil)
        #expect(value["a"]?[3]?.bool == true)
        #expect(value["a"]?[4] == nil)
        #expect(value["z"] == nil)
    }

    @Test func `an error says what and where`() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[1,]") }
        #expect(error?.description == "unexpected ']' at byte 3")
    }
}

/// One row: a text, and what it means.
struct Accepted: Sendable, CustomTestStringConvertible {
    let text: String
    let value: JSONValue
    var testDescription: String { text }

    init(_ text: String, _ value: JSONValue) {
        self.text = text
        self.value = value
    }

    static let cases: [Accepted] = [
        .init("null", nil),
        .init(" true\n", true),
        .init("false", false),
        .init("0", .number("0")),
        .init("-0", .number("-0")),
        .init("12345678901234567890", .number("12345678901234567890")),
        .init("1.50", .number("1.50")),
        .init("-1E400", .number("-1E400")),
        .init("1e-07", .number("1e-07")),
        .init(#""""#, ""),
        .init(#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{8}\u{C}\n\r\tz")),
        .init(#""\u0041\u00e9\u20AC""#, "Aé€"),
        .init(#""\ud83d\ude00""#, "😀"),
        .init(#""\uDBFF\uDFFF""#, .string("\u{10FFFF}")),
        .init(#""\u0000""#, .string("\u{0}")),
        .init("\"é€😀\u{7F}\"", .string("é€😀\u{7F}")),
        .init("[]", []),
        .init("[ ]", []),
        .init("[1,[2,[]],{}]", [1, [2, []], [:]]),
        .init("{}", [:]),
        .init("{ }", [:]),
        .init("\t{\"a\" : 1 ,\r\n\"\" : null}", ["a": 1, "": nil]),
    ]
}

/// One row: bytes that are not JSON, where and why.
struct Refused: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    let offset: Int
    let reason: JSONError.Reason
    var testDescription: String { String(decoding: bytes, as: UTF8.self) }

    init(_ text: String, _ offset: Int, _ reason: JSONError.Reason) {
        self.init(Array(text.utf8), offset, reason)
    }

    init(_ bytes: [UInt8], _ offset: Int, _ reason: JSONError.Reason) {
        self.bytes = bytes
        self.offset = offset
        self.reason = reason
    }

    static let cases: [Refused] = [
        .init("", 0, .unexpectedEnd),
        .init("   ", 3, .unexpectedEnd),
        .init("NaN", 0, .unexpectedByte(0x4E)),
        .init("Infinity", 0, .unexpectedByte(0x49)),
        .init("-Infinity", 1, .malformedNumber),
        .init("+1", 0, .unexpectedByte(0x2B)),
        .init(".5", 0, .unexpectedByte(0x2E)),
        .init("5.", 2, .unexpectedEnd),
        .init("5.x", 2, .malformedNumber),
        .init("01", 1, .malformedNumber),
        .init("-01", 2, .malformedNumber),
        .init("1e", 2, .unexpectedEnd),
        .init("1e+", 3, .unexpectedEnd),
        .init("1ex", 2, .malformedNumber),
        .init("0x1", 1, .trailingBytes),
        .init("truE", 3, .unexpectedByte(0x45)),
        .init("nul", 3, .unexpectedEnd),
        .init("1 2", 2, .trailingBytes),
        .init("[1,]", 3, .unexpectedByte(0x5D)),
        .init("[,1]", 1, .unexpectedByte(0x2C)),
        .init("[1 2]", 3, .unexpectedByte(0x32)),
        .init("]", 0, .unexpectedByte(0x5D)),
        .init("{\"a\":1,}", 7, .unexpectedByte(0x7D)),
        .init("{a:1}", 1, .unexpectedByte(0x61)),
        .init("{'a':1}", 1, .unexpectedByte(0x27)),
        .init("{\"a\" 1}", 5, .unexpectedByte(0x31)),
        .init("{\"a\":}", 5, .unexpectedByte(0x7D)),
        .init("{1:1}", 1, .unexpectedByte(0x31)),
        .init("[1}", 2, .unexpectedByte(0x7D)),
        .init("// x\n1", 0, .unexpectedByte(0x2F)),
        .init("\u{FEFF}1", 0, .unexpectedByte(0xEF)),
        .init("\"a\nb\"", 2, .controlByteInString),
        .init("\"a\u{0}\"", 2, .controlByteInString),
        .init(#""\x41""#, 2, .malformedEscape),
        .init(#""\u00g0""#, 5, .malformedEscape),
        .init(#""\ud83d""#, 1, .unpairedSurrogate),
        .init(#""\ud83dx""#, 1, .unpairedSurrogate),
        .init(#""\ud83d\n""#, 1, .unpairedSurrogate),
        .init(#""\ud83d\u0041""#, 1, .unpairedSurrogate),
        .init(#""\ude00""#, 1, .unpairedSurrogate),
        .init([0x22, 0x80, 0x22], 1, .invalidUTF8),
        .init([0x22, 0xC0, 0xAF, 0x22], 1, .invalidUTF8),
        .init([0x22, 0x41, 0xE2, 0x82, 0x22], 2, .invalidUTF8),
        .init([0x22, 0xED, 0xA0, 0x80, 0x22], 1, .invalidUTF8),
        .init([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1, .invalidUTF8),
        .init([0x22, 0xFF, 0x22], 1, .invalidUTF8),
    ]
}
