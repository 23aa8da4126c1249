import PenstockNetworking
import TestSupport
import Testing

@testable import PenstockTransport

@Suite("The header of the PROXY protocol")
struct ProxyHeaderTests {
    /// A header, and what is read of it: `HOST PORT`, `proxy`, `unnamed`, or `malformed`.
    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let bytes: [UInt8]
        let expected: String
        var testDescription: String { name }

        init(_ line: String, _ expected: String) {
            name = line
            bytes = Array(line.utf8)
            self.expected = expected
        }

        init(_ name: String, _ bytes: [UInt8], _ expected: String) {
            self.name = name
            self.bytes = bytes
            self.expected = expected
        }
    }

    private static let ipv4: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0xDC, 0x04, 0x01, 0xBB]
    private static let ipv6: [UInt8] =
        [0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1]
        + Array(repeating: 0, count: 16) + [0xDC, 0x04, 0x01, 0xBB]
    private static let mapped: [UInt8] =
        Array(repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1] + Array(repeating: 0, count: 16)
        + [0xDC, 0x04, 0x01, 0xBB]
    private static let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
            + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + rest
    }

    static let accepted: [Row] = [
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1 56324"),
        Row("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535"),
        Row("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0 0"),
        Row("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", "2001:db8::1 56324"),
        Row("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1 1"),
        Row("PROXY TCP6 \(longest) \(longest) 65535 65535\r\n", "\(longest) 65535"),
        Row("PROXY UNKNOWN\r\n", "unnamed"),
        Row("PROXY UNKNOWN \(longest) \(longest) 65535 65535\r\n", "unnamed"),
        Row("PROXY UNKNOWN anything at  all\r\n", "unnamed"),
        Row("v2 IPv4", binary(0x21, 0x11, ipv4), "192.0.2.1 56324"),
        Row("v2 IPv6", binary(0x21, 0x21, ipv6), "2001:db8::1 56324"),
        Row("v2 IPv4 in IPv6", binary(0x21, 0x21, mapped), "192.0.2.1 56324"),
        Row("v2 IPv4 with TLVs", binary(0x21, 0x11, ipv4 + [4, 0, 3, 1, 2, 3]), "192.0.2.1 56324"),
        Row("v2 with 4 KiB", binary(0x21, 0x11, ipv4 + Array(repeating: 0, count: 4068)), "192.0.2.1 56324"),
        Row("v2 path", binary(0x21, 0x31, Array(repeating: 0x2F, count: 216)), "unnamed"),
        Row("v2 datagram", binary(0x21, 0x12, ipv4), "unnamed"),
        Row("v2 without a family", binary(0x21, 0x00, []), "unnamed"),
        Row("v2 LOCAL", binary(0x20, 0x00, []), "proxy"),
        Row("v2 LOCAL with an address", binary(0x20, 0x11, ipv4), "proxy"),
        Row("v2 LOCAL of any family", binary(0x20, 0xFF, [1, 2, 3]), "proxy"),
    ]

    static let refused: [Row] = [
        Row("GET / HTTP/1.1\r\n", "malformed"),
        Row("PROXYTCP4 192.0.2.1 192.0.2.2 1 2\r\n", "malformed"),
        Row("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "malformed"),
        Row("PROXY \r\n", "malformed"),
        Row("PROXY\r\n", "malformed"),
        Row("PROXY \n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "malformed"),
        Row("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 192.0.2.2 1 x\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", "malformed"),
        Row("PROXY TCP4 192.0.2.1 example.com 1 2\r\n", "malformed"),
        Row("PROXY TCP4 2001:db8::1 ::1 1 2\r\n", "malformed"),
        Row("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "malformed"),
        Row("PROXY TCP6 [2001:db8::1] ::1 1 2\r\n", "malformed"),
        Row("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "malformed"),
        Row("PROXY UNKNOWN" + String(repeating: " ", count: 94), "malformed"),
        Row("v2 with another signature", [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 11], "malformed"),
        Row("v2 of version 1", binary(0x11, 0x11, ipv4), "malformed"),
        Row("v2 of version 3", binary(0x31, 0x11, ipv4), "malformed"),
        Row("v2 with another command", binary(0x22, 0x11, ipv4), "malformed"),
        Row("v2 with another family", binary(0x21, 0x41, ipv4), "malformed"),
        Row("v2 with another transport", binary(0x21, 0x13, ipv4), "malformed"),
        Row("v2 too short for IPv4", binary(0x21, 0x11, [], length: 11), "malformed"),
        Row("v2 too short for IPv6", binary(0x21, 0x21, [], length: 35), "malformed"),
        Row("v2 too short for paths", binary(0x21, 0x31, [], length: 215), "malformed"),
        Row("v2 over 4 KiB", binary(0x21, 0x11, [], length: 4081), "malformed"),
        Row("v2 LOCAL over 4 KiB", binary(0x20, 0x00, [], length: 65_535), "malformed"),
    ]

    private static func read(_ bytes: some Collection<UInt8>) -> (text: String, length: Int) {
        let guarded = GuardedBytes(capacity: bytes.count)
        do throws(MalformedProxyHeader) {
            let header = try guarded.with(bytes) { (span) throws(MalformedProxyHeader) in try ProxyHeader.parse(span) }
            guard let header else { return ("more", 0) }
            let text =
                switch header.source {
                case .proxy: "proxy"
                case .unnamed: "unnamed"
                case .client(let address): "\(address.host) \(address.port)"
                }
            return (text, header.length)
        } catch {
            return ("malformed", 0)
        }
    }

    @Test(arguments: accepted)
    func `a header names its client, and what follows is left alone`(_ row: Row) {
        #expect(Self.read(row.bytes) == (row.expected, row.bytes.count))
        #expect(Self.read(row.bytes + Array("GET / HTTP/1.1\r\n".utf8)) == (row.expected, row.bytes.count))
    }

    @Test(arguments: accepted)
    func `a header that is cut anywhere asks for more`(_ row: Row) {
        for cut in row.bytes.indices { #expect(Self.read(row.bytes[..<cut]).text == "more", "cut after \(cut) bytes") }
    }

    @Test(arguments: refused)
    func `anything else is refused`(_ row: Row) {
        #expect(Self.read(row.bytes).text == row.expected)
    }

    @Test func `what can become no header is refused with its first wrong byte`() {
        for (start, isOne) in [("P", true), ("PROX", true), ("G", false), ("PRI ", false), ("\r\n\r\nQ", false)] {
            #expect((Self.read(Array(start.utf8)).text == "more") == isOne, "\(start)")
        }
    }
}
