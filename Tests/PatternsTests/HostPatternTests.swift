import PenstockPatterns
import Testing

@Suite("Host patterns")
struct HostPatternTests {
    @Test(arguments: [
        ("example.com", "example.com"), ("EXAMPLE.com", "example.com"), ("*.example.com", "*.example.com"),
        ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("[::0:1]", "[::1]"), ("a_b.c", "a_b.c"),
        ("*.com", "*.com"),
    ])
    func `a host is a name, or a wildcard below one`(_ text: String, _ expected: String) throws {
        #expect(try HostPattern(parsing: text).description == expected)
    }

    @Test(
        arguments: [
            ("is not a valid host name", ["", "*.", "a..b", "a..test", ".a", "-a.com", "a-.com", "a b", "a.com."]),
            ("is not a valid host name", [String(repeating: "a", count: 64) + ".com"]),
            ("is not a host", ["*", "http://a.com", "a/b"]),
            ("'*' elsewhere", ["*.*", "*a.com", "*a.test", "a.*", "a.*.b", "a.*.test"]),
            ("has a port", ["a.com:80", "a.test:80", "::1"]),
            ("outside ASCII", ["é.com"]),
            ("IPv6 address", ["[::1", "[]", "[1.2.3.4]", "[::1]:80", "[::1%lo]", "[host]"]),
            ("ends in a number", ["1.2.3", "*.1.2.3.4"]),
        ].flatMap { says, texts in texts.map { ($0, says) } }
    )
    func `what no Host field says is refused`(_ text: String, _ says: String) {
        #expect {
            try HostPattern(parsing: text)
        } throws: { error in
            (error as? PatternError)?.message.contains(says) ?? false
        }
    }

    @Test
    func `a star alone is refused with what to do instead`() {
        #expect {
            try HostPattern(parsing: "*")
        } throws: { error in
            (error as? PatternError)?.hint == "leave 'hosts' out to take every one"
        }
    }

    @Test(arguments: [
        ("a.test", "a.test", true), ("a.test", "b.a.test", false), ("*.a.test", "b.a.test", true),
        ("*.a.test", "c.b.a.test", true), ("*.a.test", "a.test", false), ("*.a.test", ".a.test", false),
        ("*.a.test", "ba.test", false), ("[::1]", "[::1]", true),
    ])
    func `a wildcard takes what has a label more`(_ pattern: String, _ host: String, _ matches: Bool) throws {
        #expect(try HostPattern(parsing: pattern).matches(host.utf8) == matches)
    }
}
