import PenstockPatterns
import Testing

@Suite("Path patterns")
struct PathPatternTests {
    @Test(
        arguments: [
            ("/", [.literal("")]), ("/a", [.literal("a")]), ("/a/", [.literal("a"), .literal("")]),
            ("/{x}", [.one("x")]), ("/a/{x+}", [.literal("a"), .oneOrMore("x")]), ("/{x*}", [.rest("x")]),
            ("/%41%2f%c3%A9", [.literal("A%2F%C3%A9")]), ("/é", [.literal("%C3%A9")]),
            ("//", [.literal(""), .literal("")]),
            ("/a;b=1", [.literal("a;b=1")]), ("/{a_1-b}/x", [.one("a_1-b"), .literal("x")]),
            ("/...", [.literal("...")]), ("/%252f", [.literal("%252f")]), ("/..a;x", [.literal("..a;x")]),
            // An accent makes another character of the slash or letter before it, and no other byte.
            ("/\u{301}/x\u{301}", [.literal("%CC%81"), .literal("x%CC%81")]),
        ] as [(String, [PathPattern.Segment])]
    )
    func `a pattern is cut at its slashes`(_ text: String, _ segments: [PathPattern.Segment]) throws {
        let pattern = try PathPattern(parsing: text)
        #expect(pattern.segments == segments)
        #expect(pattern.text == text)
        #expect(pattern.parameters == segments.compactMap(\.parameter))
    }

    @Test(arguments: Refused.cases)
    func `a pattern that no request could have is refused`(_ row: Refused) {
        #expect {
            try PathPattern(parsing: row.text)
        } throws: { error in
            (error as? PatternError)?.message.contains(row.says) ?? false
        }
    }

    /// A pattern, and a part of what is said of it.
    struct Refused: Sendable, CustomTestStringConvertible {
        let text: String
        let says: String
        var testDescription: String { String(text.prefix(40)) }

        static let cases: [Refused] = table.flatMap { says, texts in texts.map { Refused(text: $0, says: says) } }

        private static let table: [(String, [String])] = [
            ("is empty", [""]),
            ("begin with '/'", ["a", "users", "{x}"]),
            ("control character", ["/a\nb"]),
            ("not a whole segment", ["/{x", "/x}", "/{id", "/id}", "/x{id}", "/{x}{y}", "/{x}y", "/{x}\u{301}", "/{"]),
            ("without a valid name", ["/{}", "/{+}", "/{*}", "/{1x}", "/{x.y}", "/{x y}", "/{a b}", "/{x**}"]),
            ("without a valid name", ["/{\u{301}x}", "/{" + String(repeating: "x", count: 65) + "}"]),
            ("takes all that follows", ["/{x*}/", "/{x+}/y", "/{a*}/b", "/{a+}/b"]),
            ("two parameters", ["/{x}/{x}", "/{a}/{a}", "/{x}/{x*}"]),
            ("takes a '*' and nothing else", ["/*", "/**"]),
            ("is no parameter", ["/:x"]),
            ("which no request has", ["/.", "/..", "/%2e%2E", "/a/..;x", "/a/../b", "/a/./b", "/a/%2e%2E/b"]),
            ("which no request has", ["/a/..;x/b", "/%252e%252e", "/a%2f..%2fb", "/%2e%3bx"]),
            ("character that a path cannot have: '?'", ["/a?b"]),
            ("character that a path cannot have: '#'", ["/a#b"]),
            ("character that a path cannot have: '\\'", ["/a\\b"]),
            ("character that a path cannot have", ["/a b", "/<", "/\"", "/^"]),
            ("two hexadecimal digits", ["/%", "/%4", "/%zz", "/a%zz"]),
            ("every request is refused for", ["/%00", "/a%00", "/%1f", "/%7f", "/%5c", "/a%5cb"]),
            ("more than 64 segments", ["/" + String(repeating: "a/", count: 64), String(repeating: "/a", count: 65)]),
            ("longer than 2048 bytes", ["/" + String(repeating: "a", count: 2048)]),
        ]
    }

    @Test
    func `the longest and the deepest pattern are taken`() throws {
        let longest = "/" + String(repeating: "a", count: 2047)
        #expect(try PathPattern(parsing: longest).segments.count == 1)
        #expect(try PathPattern(parsing: String(repeating: "/a", count: 64)).segments.count == 64)
    }

    @Test(arguments: [
        ("users", "write '/users'"), ("/{*rest}", "write '{rest*}'"), ("/*", "write '{rest*}'"),
        ("/:id", "write '{id}'"),
    ])
    func `what other routers write is shown as it is written here`(_ text: String, _ hint: String) {
        #expect {
            try PathPattern(parsing: text)
        } throws: { error in
            (error as? PatternError)?.hint == hint
        }
    }
}
