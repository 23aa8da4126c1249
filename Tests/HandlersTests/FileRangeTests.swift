import Glibc
import TestSupport
import Testing

@testable import PenstockHandlers

@Suite("Parts of files (RFC 9110 §14)")
struct FileRangeTests {
    private let fixture: FileFixture

    init() throws {
        fixture = try FileFixture()
        try fixture.write("digits.txt", "0123456789")
        try fixture.write("empty.txt", "")
        fixture.touch("digits.txt", 1_000_000_000)
    }

    private func answer(_ request: String) throws -> ScriptedAnswer {
        try answerOverBoth(request) { try StaticFilesHandler(root: fixture.root, parameter: nil) }
    }

    // MARK: The grammar

    /// Ranges of a file of ten bytes.
    static let rows: [(String, ByteRanges)] = [
        ("bytes=0-4", .parts([0..<5])), ("bytes=0-0", .parts([0..<1])), ("bytes=5-", .parts([5..<10])),
        ("bytes=-3", .parts([7..<10])), ("bytes=-30", .parts([0..<10])), ("bytes=0-99", .parts([0..<10])),
        ("Bytes=9-9", .parts([9..<10])), ("bytes=0-99999999999999999999999", .parts([0..<10])),
        ("bytes=0-1,4-5", .parts([0..<2, 4..<6])), ("bytes= 4-5 ,\t0-1,", .parts([4..<6, 0..<2])),
        ("bytes=0-1,,50-60,-1", .parts([0..<2, 9..<10])), ("bytes=-99999999999999999999", .parts([0..<10])),
        // None that the file has.
        ("bytes=10-", .unsatisfiable), ("bytes=10-20", .unsatisfiable), ("bytes=-0", .unsatisfiable),
        ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=10-,20-", .unsatisfiable),
        // What is not understood is not there.
        ("bytes=", .whole), ("bytes", .whole), ("bytes=-", .whole), ("bytes=5-4", .whole), ("bytes=a-b", .whole),
        ("bytes=0-1,x", .whole), ("bytes=0x1-2", .whole), ("bytes=+1-2", .whole), ("bytes=1 -2", .whole),
        ("lines=0-1", .whole), ("bytes =0-1", .whole), ("bytes=0-1-2", .whole), ("", .whole), ("bytes=,", .whole),
        // More than there is in all: twice the same bytes.
        ("bytes=0-,0-", .whole), ("bytes=0-5,0-5", .whole), ("bytes=0-4,0-4", .parts([0..<5, 0..<5])),
        (
            "bytes=" + Array(repeating: "0-0", count: 10).joined(separator: ","),
            .parts(Array(repeating: 0..<1, count: 10))
        ),
        ("bytes=" + Array(repeating: "0-0", count: 17).joined(separator: ","), .whole),
        ("bytes=" + Array(repeating: "99-", count: 17).joined(separator: ","), .whole),
    ]

    @Test(arguments: rows)
    func `ranges are read as the table says`(_ value: String, _ expected: ByteRanges) {
        #expect(Array(value.utf8).withUnsafeBytes { ByteRanges.parse($0, length: 10) } == expected)
    }

    // MARK: Answers

    @Test(arguments: [
        ("bytes=2-4", "bytes 2-4/10", "234"), ("bytes=-1", "bytes 9-9/10", "9"),
        ("bytes=0-", "bytes 0-9/10", "0123456789"),
        ("bytes=3-3,50-", "bytes 3-3/10", "3"),
    ])
    func `one range is a part`(_ range: String, _ content: String, _ body: String) throws {
        let answer = try answer("GET /digits.txt\nRange: \(range)")
        #expect(answer.status == 206)
        #expect(answer["content-range"] == content)
        #expect(answer["content-type"] == "text/plain; charset=utf-8")
        #expect(answer["accept-ranges"] == "bytes")
        #expect(answer["etag"] == (try self.answer("GET /digits.txt")["etag"]))
        #expect(answer.contentLength == body.utf8.count)
        #expect(answer.text == body)
        #expect(answer.isWhole)
    }

    @Test func `several ranges are parts in one body, in their order`() throws {
        let handler = try StaticFilesHandler(root: fixture.root, parameter: nil)
        let answer = try ScriptedFront(handler).answer("GET /digits.txt\nRange: bytes=7-8,0-1")
        #expect(answer.status == 206)
        #expect(answer["content-range"] == nil)
        let type = try #require(answer["content-type"])
        #expect(type.hasPrefix("multipart/byteranges; boundary="))
        let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
        #expect((1...70).contains(boundary.count) && boundary.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        let head = "Content-Type: text/plain; charset=utf-8\r\nContent-Range: bytes"
        #expect(
            answer.text
                == "--\(boundary)\r\n\(head) 7-8/10\r\n\r\n78\r\n--\(boundary)\r\n\(head) 0-1/10\r\n\r\n01\r\n--\(boundary)--\r\n"
        )
        #expect(answer.contentLength == answer.body.count)
        #expect(answer.isWhole)
    }

    @Test(arguments: ["bytes=10-", "bytes=-0", "bytes=50-60,70-"])
    func `a range that the file does not have is 416 with its length`(_ range: String) throws {
        let answer = try answer("GET /digits.txt\nRange: \(range)")
        #expect(answer.status == 416)
        #expect(answer["content-range"] == "bytes */10")
        #expect(answer["etag"] == nil)
        #expect(answer.text.hasPrefix("{\"message\":\"Range Not Satisfiable\""))
    }

    @Test(arguments: [
        "GET /digits.txt\nRange: bytes=5-4", "GET /digits.txt\nRange: bytes=0-1\nRange: bytes=2-3", "GET /digits.txt",
        "HEAD /digits.txt\nRange: bytes=0-1", "HEAD /digits.txt\nRange: bytes=99-",
    ])
    func `the whole file comes otherwise, and says that it has parts`(_ request: String) throws {
        let answer = try answer(request)
        #expect(answer.status == 200)
        #expect(answer.contentLength == 10)
        #expect(answer["accept-ranges"] == "bytes")
        #expect(answer["content-range"] == nil)
        #expect(answer.text == (request.hasPrefix("HEAD") ? "" : "0123456789"))
    }

    @Test(arguments: ["bytes=0-", "bytes=-5", "bytes=3-4"])
    func `an empty file has no parts`(_ range: String) throws {
        #expect(try answer("GET /empty.txt\nRange: \(range)").status == 200)
    }

    @Test(arguments: [
        ("TAG", 206), ("W/TAG", 200), ("\"other\"", 200), ("TAG, \"x\"", 200), ("*", 200), ("", 200),
        ("Sun, 09 Sep 2001 01:46:40 GMT", 206), ("Sun, 09 Sep 2001 01:46:39 GMT", 200),
        ("Sun, 09 Sep 2001 01:46:41 GMT", 200), ("yesterday", 200),
    ])
    func `a part is of the version that the client has, or the whole file comes`(_ value: String, _ status: Int) throws
    {
        let tag = try #require(try answer("GET /digits.txt")["etag"])
        let answer = try answer(
            "GET /digits.txt\nRange: bytes=0-1\nIf-Range: \(value.replacing("TAG", with: tag))"
        )
        #expect(answer.status == status)
        #expect(answer.text == (status == 206 ? "01" : "0123456789"))
    }

    @Test func `a date is no proof for a file that has changed this very second`() throws {
        fixture.touch("digits.txt", time(nil) + 10)
        let handler = try StaticFilesHandler(root: fixture.root, parameter: nil)
        let front = try ScriptedFront(handler)
        let date = try #require(front.answer("GET /digits.txt")["last-modified"])
        #expect(front.answer("GET /digits.txt\nRange: bytes=0-1\nIf-Range: \(date)").status == 200)
    }

    @Test func `conditions come before ranges`() throws {
        let tag = try #require(try answer("GET /digits.txt")["etag"])
        #expect(try answer("GET /digits.txt\nRange: bytes=0-1\nIf-None-Match: \(tag)").status == 304)
        #expect(try answer("GET /digits.txt\nRange: bytes=99-\nIf-Match: \"x\"").status == 412)
    }

    @Test(arguments: [7_000, 65_536, 10_000_000])
    func `parts of a large file arrive however slowly they are taken`(_ step: Int) throws {
        let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        try fixture.write("large.bin", large)
        let front = try ScriptedFront(try StaticFilesHandler(root: fixture.root, parameter: nil))
        front.step = step
        let one = front.answer("GET /large.bin\nRange: bytes=100-899999")
        #expect(one.body.outline == Array(large[100..<900_000]).outline)
        let several = front.answer("GET /large.bin\nRange: bytes=500000-999999,0-399999")
        #expect(several.isWhole)
        #expect(several.contentLength == several.body.count)
        let separator = Array("\r\n\r\n".utf8)
        let first = try #require(several.body.firstRange(of: separator)).upperBound
        #expect(Array(several.body[first..<first + 500_000]).outline == Array(large[500_000...]).outline)
        let second = try #require(several.body[(first + 500_000)...].firstRange(of: separator)).upperBound
        #expect(Array(several.body[second..<second + 400_000]).outline == Array(large[..<400_000]).outline)
    }
}
