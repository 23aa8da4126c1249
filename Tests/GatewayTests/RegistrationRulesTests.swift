import PenstockPatterns
import Testing

@testable import PenstockGateway

@Suite("Who may register")
struct RegistrationRulesTests {
    @Test(
        arguments: [
            ("10.0.0.0/8", "10.1.2.3", nil), ("10.0.0.0/8", "11.0.0.1", "is not in"), ("0.0.0.0/0", "::1", "is not in"),
            ("0.0.0.0/0", "192.0.2.1", nil), ("::/0", "2001:db8::1", nil), ("0.0.0.0/0", "127.0.0.1", "loopback"),
            ("127.0.0.0/8", "127.0.0.1", nil), ("127.0.0.0/16", "127.0.0.1", nil),
            ("127.0.0.0/16", "127.1.0.1", "is not in"), ("0.0.0.0/0", "169.254.169.254", "link-local"),
            ("169.254.0.0/16", "169.254.169.254", nil), ("0.0.0.0/0", "0.0.0.0", "unspecified"),
            ("0.0.0.0/0", "0.1.2.3", "unspecified"), ("0.0.0.0/0", "224.0.0.1", "multicast"),
            ("0.0.0.0/0", "239.255.255.255", "multicast"), ("0.0.0.0/0", "255.255.255.255", "broadcast"),
            ("::/0", "::1", "loopback"), ("::1/128", "::1", nil), ("::/0", "::", "unspecified"),
            ("::/0", "fe80::1", "link-local"), ("::/0", "febf::1", "link-local"), ("::/0", "ff02::1", "multicast"),
            ("::/0", "::ffff:127.0.0.1", "is not in"),
        ] as [(String, String, String?)]
    )
    func `a network admits its addresses, and guarded ones only where it is theirs alone`(
        _ network: String,
        _ address: String,
        _ says: String?
    ) throws {
        let pieces = network.split(separator: "/")
        let base = try #require(IPAddress(pieces[0]))
        let range = AddressRange(of: base, prefix: try #require(Int(pieces[1])))
        let rules = RegistrationRules(networks: [range], ttl: .seconds(30), most: 1)
        let refusal = rules.refusal(of: try #require(IPAddress(address)))
        #expect((refusal == nil) == (says == nil), "\(refusal ?? "admitted")")
        if let says { #expect(refusal?.contains(says) == true, "\(refusal ?? "admitted")") }
    }
}
