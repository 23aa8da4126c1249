import Testing

@testable import PenstockHTTP

@Suite("WebSocket handshake")
struct WebSocketHandshakeTests {
    @Test(arguments: [
        // RFC 6455 §1.3, and two that Python's hashlib was asked for.
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="), ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ])
    func `a key has one answer`(_ key: String, _ accept: String) {
        #expect(WebSocketHandshake.answer(to: Array(key.utf8)) == Array(accept.utf8))
    }

    @Test(arguments: [
        // RFC 3174 §7.3, and the lengths around a block's end.
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (String(repeating: "a", count: 55), "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
        (String(repeating: "a", count: 64), "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
    ])
    func `a message has its digest`(_ message: String, _ digest: String) {
        let hex = SHA1.digest(Array(message.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        #expect(hex.joined() == digest)
    }
}
