import PenstockPatterns
import Testing

@Suite("Templates")
struct TemplateTests {
    @Test(
        arguments: [
            ("", []), ("/a", [.literal("/a")]), ("/{x}", [.literal("/"), .parameter("x")]),
            ("{{{x}}}", [.literal("{"), .parameter("x"), .literal("}")]),
            ("{path}{y}", [.variable(.path), .parameter("y")]),
            ("{{a}}", [.literal("{a}")]), ("{query}-{host}", [.variable(.query), .literal("-"), .variable(.host)]),
            ("a\tb", [.literal("a\tb")]),
            // An accent makes another character of the brace before it, and no other byte.
            ("{x}\u{301}", [.parameter("x"), .literal("\u{301}")]), ("{{\u{301}}}", [.literal("{\u{301}}")]),
        ] as [(String, [Template.Part])]
    )
    func `a template is cut at its braces`(_ text: String, _ parts: [Template.Part]) throws {
        #expect(try Template(parsing: text).resolved(with: ["x", "y"]).template.parts == parts)
    }

    @Test
    func `a parameter goes before a variable of the same name`() throws {
        let (template, unknown) = try Template(parsing: "{path}{x}").resolved(with: ["path"])
        #expect(template.parts == [.parameter("path"), .parameter("x")])
        #expect(unknown == ["x"])
    }

    @Test(
        arguments: [
            ("has '{' alone", ["{", "{x", "/{rest", "{\u{301}"]), ("has '}' alone", ["}", "x}", "/rest}", "{x}}"]),
            ("is no name", ["{}", "{x y}", "{1}", "{\u{301}x}"]), ("has '{x*}'", ["{x*}"]),
            ("control character", ["a\nb", "a\u{0}b", "a\r\nb", "/a\r\nb", "a\u{7F}"]),
        ].flatMap { says, texts in texts.map { ($0, says) } }
    )
    func `a template with a brace too many is refused`(_ text: String, _ says: String) {
        #expect {
            try Template(parsing: text)
        } throws: { error in
            (error as? PatternError)?.message.contains(says) ?? false
        }
    }
}
