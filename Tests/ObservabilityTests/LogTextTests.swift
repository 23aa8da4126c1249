import PenstockBytes
import PenstockObservability
import Testing

@Suite("Text in logs")
struct LogTextTests {
    private typealias Append = (UnsafeRawBufferPointer, inout ByteBuffer) -> Void

    private func shown(_ bytes: [UInt8], _ append: Append) -> String {
        var buffer = ByteBuffer()
        bytes.withUnsafeBytes { append($0, &buffer) }
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    @Test(
        arguments: [
            ([], "", "-", ""),
            (Array("/a b?c".utf8), "/a b?c", #"/a\x20b?c"#, "/a b?c"),
            (Array(#"a"b\c"#.utf8), #"a\x22b\x5Cc"#, #"a\x22b\x5Cc"#, #"a"b\c"#),
            (Array("é".utf8), #"\xC3\xA9"#, #"\xC3\xA9"#, "é"),
            ([0x1B, 0x5B, 0x32, 0x4A], #"\x1B[2J"#, #"\x1B[2J"#, #"\x1B[2J"#),
            ([0x61, 0x0D, 0x62, 0x0A], #"a\x0Db\x0A"#, #"a\x0Db\x0A"#, #"a\x0Db\x0A"#),
            ([0x09, 0x7F, 0x00], #"\x09\x7F\x00"#, #"\x09\x7F\x00"#, "\t" + #"\x7F\x00"#),
            ([0xC2, 0x9B, 0x31], #"\xC2\x9B1"#, #"\xC2\x9B1"#, #"\xC2\x9B1"#),
            ([0xFF, 0x41, 0xE2, 0x82], #"\xFFA\xE2\x82"#, #"\xFFA\xE2\x82"#, #"\xFFA\xE2\x82"#),
        ] as [([UInt8], String, String, String)]
    )
    func `whatever the bytes are, they stay in their place`(
        _ bytes: [UInt8],
        _ text: String,
        _ word: String,
        _ line: String
    ) {
        #expect(shown(bytes) { LogText.append($0, to: &$1) } == text)
        #expect(shown(bytes) { LogText.appendWord($0, to: &$1) } == word)
        #expect(shown(bytes) { LogText.appendLine($0, to: &$1) } == line)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_795_208_400_123, "2026-11-20T21:00:00.123Z"),
            (4_107_542_400_007, "2100-03-01T00:00:00.007Z"),
            (9_214_646_399_000, "2261-12-31T23:59:59.000Z"),
        ] as [(Int64, String)]
    )
    func `a moment is written as RFC 3339`(_ milliseconds: Int64, _ text: String) {
        var buffer = ByteBuffer()
        var timestamp = Timestamp()
        timestamp.append(5_000_000, to: &buffer)
        buffer.removeAll()
        // Twice: once computed, once from what was kept.
        for _ in 0..<2 { timestamp.append(milliseconds * 1_000_000, to: &buffer) }
        #expect(String(decoding: buffer.readable, as: UTF8.self) == text + text)
    }
}
