import Testing

@testable import PenstockConfiguration

@Suite("Path patterns, hosts and templates")
struct PatternTests {
    @Test(
        arguments: [
            ("/", [.literal("")]), ("/a", [.literal("a")]), ("/a/", [.literal("a"), .literal("")]),
            ("/{x}", [.one("x")]), ("/a/{x+}", [.literal("a"), .oneOrMore("x")]), ("/{x*}", [.rest("x")]),
            ("/%41%2f%c3%A9", [.literal("A%2F%C3%A9")]), ("/é", [.literal("%C3%A9")]),
            ("//", [.literal(""), .literal("")]),
            ("/a;b=1", [.literal("a;b=1")]), ("/{a_1-b}/x", [.one("a_1-b"), .literal("x")]),
            ("/...", [.literal("...")]),
        ] as [(String, [PathPattern.Segment])]
    )
    func `a pattern is cut at its slashes`(_ text: String, _ segments: [PathPattern.Segment]) throws {
        #expect(try PathPattern.parse(text).segments == segments)
    }

    @Test(arguments: [
        "", "a", "{x}", "/{x", "/x}", "/{}", "/{x}{y}", "/{x}y", "/{x*}/", "/{x+}/y", "/{x}/{x}", "/{x}/{x*}", "/{1x}",
        "/{x y}", "/{x**}", "/{*}", "/*", "/**", "/:x", "/.", "/..", "/%2e%2E", "/a/..;x", "/a?b", "/a#b", "/%", "/%4",
        "/%zz", "/%00", "/%1f", "/%7f", "/%5c", "/a\\b", "/a b", "/a\nb", "/<", "/\"", "/^",
        "/" + String(repeating: "a/", count: 64), "/" + String(repeating: "a", count: 2048),
    ])
    func `a pattern that no request could have is refused`(_ text: String) {
        #expect(throws: Complaint.self) { try PathPattern.parse(text) }
    }

    @Test(arguments: [
        ("example.com", "example.com"), ("EXAMPLE.com", "example.com"), ("*.example.com", "*.example.com"),
        ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("[::0:1]", "[::1]"), ("a_b.c", "a_b.c"),
        ("*.com", "*.com"),
    ])
    func `a host is a name, or a wildcard below one`(_ text: String, _ expected: String) throws {
        #expect(try HostPattern.parse(text).description == expected)
    }

    @Test(arguments: [
        "", "*", "*.", "*.*", "*a.com", "a.*", "a.*.b", "a.com:80", "http://a.com", "a/b", "a..b", ".a", "-a.com",
        "a-.com",
        "a b", "é.com", "[::1", "::1", "1.2.3", "*.1.2.3.4", String(repeating: "a", count: 64) + ".com", "a.com.",
    ])
    func `what no Host field says is refused`(_ text: String) {
        #expect(throws: Complaint.self) { try HostPattern.parse(text) }
    }

    @Test(
        arguments: [
            ("", []), ("/a", [.literal("/a")]), ("/{x}", [.literal("/"), .parameter("x")]),
            ("{{{x}}}", [.literal("{"), .parameter("x"), .literal("}")]),
            ("{path}{y}", [.variable(.path), .parameter("y")]),
            ("{{a}}", [.literal("{a}")]), ("{query}-{host}", [.variable(.query), .literal("-"), .variable(.host)]),
        ] as [(String, [Template.Part])]
    )
    func `a template is cut at its braces`(_ text: String, _ parts: [Template.Part]) throws {
        #expect(try Template.parse(text).resolved(with: ["x", "y"]).template.parts == parts)
    }

    @Test
    func `a parameter goes before a variable of the same name`() throws {
        let (template, unknown) = try Template.parse("{path}{x}").resolved(with: ["path"])
        #expect(template.parts == [.parameter("path"), .parameter("x")])
        #expect(unknown == ["x"])
    }

    @Test(arguments: ["{", "}", "{x", "x}", "{}", "{x y}", "{1}", "{x*}", "{x}}", "a\nb", "a\u{0}b"])
    func `a template with a brace too many is refused`(_ text: String) {
        #expect(throws: Complaint.self) { try Template.parse(text) }
    }
}
