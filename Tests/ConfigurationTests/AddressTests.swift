import PenstockPatterns
import Testing

@testable import PenstockConfiguration

@Suite("Addresses")
struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080"), (":8080", ":8080"), ("[::1]:80", "[::1]:80"), ("[::]:0", "[::]:0"),
        ("[2001:DB8:0:0::1]:443", "[2001:db8::1]:443"), ("localhost:1", "localhost:1"),
        ("Gate.Local:1", "gate.local:1"),
        ("unix:/run/x.sock", "unix:/run/x.sock"), ("0.0.0.0:65535", "0.0.0.0:65535"),
        ("[::ffff:1.2.3.4]:80", "1.2.3.4:80"),
    ])
    func `an address is a host and a port, or a path`(_ text: String, _ expected: String) throws {
        #expect(try Address.parse(text).description == expected)
    }

    @Test(arguments: [
        "", ":", "8080", "host", "host:", ":65536", ":-1", ":+1", ": 80", "1.2.3:80", "1.2.3.4.5:80", "01.2.3.4:80",
        "::1:80", "[::1]", "[::1]80", "[::1]:", "[]:80", "[::1:80", "[1.2.3.4]:80", "[::1%lo]:80", "*:80",
        "http://h:80", "a b:80", "-a:80", "a-:80", "a..b:80", ".a:80", "unix:", "ü:80", "a_b:80x",
    ])
    func `what is not quite an address is none`(_ text: String) {
        #expect(throws: Complaint.self) { try Address.parse(text) }
    }

    @Test
    func `the path of a unix socket fits the kernel's 107 bytes`() throws {
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(try Address.parse("unix:\(longest)") == .unix(longest))
        #expect(throws: Complaint.self) { try Address.parse("unix:\(longest)x") }
        #expect(throws: Complaint.self) { try Address.parse("unix:x", resolve: { longest + $0 }) }
    }

    @Test(arguments: [
        (":80", ":80", true), (":80", ":81", false), (":80", "127.0.0.1:80", true), ("127.0.0.1:80", ":80", true),
        ("0.0.0.0:80", "10.0.0.1:80", true), ("0.0.0.0:80", "[::1]:80", false), ("0.0.0.0:80", "[::]:80", false),
        ("0.0.0.0:80", ":80", true), ("[::]:80", "[::1]:80", true), ("127.0.0.1:80", "127.0.0.2:80", false),
        (":0", ":0", false), ("h:80", "h:80", true), ("h:80", "i:80", false), ("h:80", ":80", true),
        ("unix:a", "unix:a", true), ("unix:a", "unix:b", false), ("unix:a", ":80", false),
    ])
    func `two addresses are at odds where one takes the other in`(_ left: String, _ right: String, _ odds: Bool) throws
    {
        #expect(try Address.parse(left).overlaps(try Address.parse(right)) == odds)
        #expect(try Address.parse(right).overlaps(try Address.parse(left)) == odds)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "255.1.2.3", true),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7/32", "192.0.2.6", false), ("::/0", "2001::1", true),
        ("::/0", "1.2.3.4", false), ("0.0.0.0/0", "::1", false), ("2001:db8::/32", "2001:db8:ffff::", true),
        ("2001:db8::/32", "2001:db9::", false), ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false),
        ("2001:db8:0:0:8000::/65", "2001:db8::8000:0:0:1", true), ("2001:db8:0:0:8000::/65", "2001:db8::1", false),
        ("::1", "::1", true), ("::/64", "::ffff:ffff:ffff:ffff", true), ("::/64", "0:0:0:1::", false),
        ("::ffff:10.0.0.1", "10.0.0.1", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false),
    ])
    func `a range takes what begins with its bits`(_ range: String, _ address: String, _ isIn: Bool) throws {
        let address = try #require(IPAddress(address))
        let range = try AddressRange.parse(range)
        #expect(range.contains(address) == isIn)
        #expect(range.contains(bytes: address.bytes) == isIn)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "::/129", "10.0.0.1/8", "10/8", "10.0.0.0/", "10.0.0.0/-1", "/8", "host", "10.0.0.0/8/8",
        "[::1]", "10.0.0.0 /8", "::ffff:10.0.0.0/104",
    ])
    func `what is not quite a range is none`(_ text: String) {
        #expect(throws: Complaint.self) { try AddressRange.parse(text) }
    }

    @Test(arguments: [0, 1, 3, 5, 8, 15, 17, 32])
    func `bytes of another count are no address`(_ count: Int) {
        #expect(IPAddress(bytes: Array(repeating: UInt8(1), count: count)) == nil)
    }

    @Test(arguments: ["1.2.3.4", "::", "::1", "2001:db8::ff00:42:8329", "255.255.255.255"])
    func `an address is written as it is read`(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == text)
        #expect(IPAddress(bytes: address.bytes) == address)
    }
}
