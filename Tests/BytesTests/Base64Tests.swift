import PenstockBytes
import Testing

@Suite("Base64 (RFC 4648 §4)")
struct Base64Tests {
    /// The test vectors of RFC 4648 §10, and bytes above ASCII.
    static let vectors: [(bytes: [UInt8], text: String)] = [
        ([], ""),
        (Array("f".utf8), "Zg=="),
        (Array("fo".utf8), "Zm8="),
        (Array("foo".utf8), "Zm9v"),
        (Array("foob".utf8), "Zm9vYg=="),
        (Array("fooba".utf8), "Zm9vYmE="),
        (Array("foobar".utf8), "Zm9vYmFy"),
        ([0xFF, 0xFE, 0xFD, 0x00], "//79AA=="),
        ([0xFB, 0xEF, 0xBE], "++++"),
    ]

    private func encoded(_ bytes: [UInt8]) -> String {
        var buffer = ByteBuffer()
        bytes.withUnsafeBytes { Base64.encode($0, to: &buffer) }
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    private func decoded(_ text: String) -> [UInt8]? {
        var buffer = ByteBuffer()
        let units = Array(text.utf8)
        buffer.append("before")
        guard units.withUnsafeBytes({ Base64.decode($0, to: &buffer) }) else {
            #expect(buffer.count == 6)
            return nil
        }
        return Array(buffer.readable.dropFirst(6))
    }

    @Test(arguments: vectors.indices)
    func `both ways`(_ row: Int) {
        let (bytes, text) = Self.vectors[row]
        #expect(encoded(bytes) == text)
        #expect(decoded(text) == bytes)
    }

    @Test(arguments: ["Zg", "Zm8", "Zm9v\r\nYg==", "Zm9v\n"])
    func `absent padding and line ends are read`(_ text: String) {
        #expect(decoded(text)?.first == 0x66)
    }

    @Test(arguments: ["Z", "Zg=", "Zg===", "=", "====", "Zm9v=", "Zh==", "Zm9", "Zm 8", "Zm-8", "Zg==Zg==", "Zm8=v"])
    func `what is not base64 is refused and leaves nothing`(_ text: String) {
        #expect(decoded(text) == nil)
    }

    @Test func `every length of bytes comes back`() {
        for count in 0..<300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            #expect(decoded(encoded(bytes)) == bytes)
        }
    }
}
