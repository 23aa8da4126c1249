import PenstockPatterns
import Testing

@Suite("Regular expressions")
struct RegularExpressionTests {
    private func search(_ pattern: String, _ text: [UInt8]) throws -> ExpressionSearcher.Outcome {
        let expression = try RegularExpression(parsing: pattern)
        return text.withUnsafeBytes { ExpressionSearcher().search(expression, in: $0) }
    }

    @Test(arguments: [
        ("b", "abc", true), ("^b", "abc", false), ("^$", "", true), (".", "", false), ("(?i)ABC", "xabcx", true),
        ("^(a|b)*$", String(repeating: "ab", count: 4000), true), ("(\\w+) \\1", "to to", true),
        ("^a.c$", "a\nc", false),
        ("^.{2}$", "\u{e9}", true), ("(?<year>\\d{4})(a)(b)(c)", "2026abc", true),
    ])
    func `it is searched for in bytes, anywhere`(_ row: (pattern: String, text: String, isFound: Bool)) throws {
        #expect(try search(row.pattern, Array(row.text.utf8)) == (row.isFound ? .found : .notFound))
    }

    @Test func `bytes that are no UTF-8 are bytes`() throws {
        #expect(try search("^\\xff.$", [0xFF, 0x00]) == .found)
    }

    /// Each would take longer than the universe without a limit: that the test ends is the proof.
    @Test(arguments: ["(a+)+$", "^(a|aa)+$", "(*NO_JIT)(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a?){40}a{40}$"])
    func `a search that would not end is given up`(_ pattern: String) throws {
        let hostile = Array(String(repeating: "a", count: 60_000).utf8) + [0x21]
        #expect(try search(pattern, hostile) == .exhausted)
    }

    @Test func `one searcher serves search after search`() throws {
        let searcher = ExpressionSearcher()
        let expressions = try ["(a+)+$", "^b", "c$"].map { try RegularExpression(parsing: $0) }
        let texts = [String(repeating: "a", count: 100) + "!", "bc", "cb"]
        for _ in 0..<3 {
            let outcomes = expressions.map { expression in
                texts.map { text in Array(text.utf8).withUnsafeBytes { searcher.search(expression, in: $0) } }
            }
            #expect(outcomes[0] == [.exhausted, .notFound, .notFound])
            #expect(outcomes[1] == [.notFound, .found, .notFound])
            #expect(outcomes[2] == [.notFound, .found, .notFound])
        }
    }

    @Test(arguments: [
        ("a(b", "is no regular expression: missing closing parenthesis, at offset 3"),
        ("[z-a]", "is no regular expression: range out of order in character class, at offset 3"),
        ("*a", "is no regular expression: quantifier does not follow a repeatable item, at offset 0"),
    ])
    func `what is none is refused with the place`(_ row: (pattern: String, message: String)) {
        #expect {
            try RegularExpression(parsing: row.pattern)
        } throws: { error in
            (error as? PatternError)?.message == row.message
        }
    }

    @Test(arguments: [
        (TextCondition.present, TextCondition.exact("a"), true), (.present, .absent, false), (.absent, .absent, true),
        (.prefix("a"), .exact("ab"), true), (.prefix("a"), .prefix("ab"), true), (.prefix("ab"), .prefix("a"), false),
        (.suffix("b"), .exact("ab"), true), (.suffix("b"), .suffix("ab"), true), (.suffix("a"), .exact("ab"), false),
        (.exact("a"), .exact("a"), true), (.exact("a"), .prefix("a"), false), (.exact("a"), .present, false),
    ])
    func `a condition holds wherever a narrower one does`(_ row: (wide: TextCondition, narrow: TextCondition, Bool)) {
        #expect(row.wide.isImplied(by: row.narrow) == row.2)
    }
}
