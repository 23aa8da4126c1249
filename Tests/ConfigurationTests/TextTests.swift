import Testing

@testable import PenstockConfiguration

@Suite("Interpolation, suggestions and secrets")
struct TextTests {
    private static let environment = ["NAME": "Ada", "EMPTY": "", "NESTED": "${NAME}"]

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("${NAME}", "Ada"), ("a${NAME}b${NAME}", "aAdabAda"), ("$NAME", "$NAME"),
        ("$$", "$"), ("$${NAME}", "${NAME}"), ("$$${NAME}", "$Ada"), ("$", "$"), ("a$", "a$"), ("$5", "$5"),
        ("$ {", "$ {"),
        ("${NOPE:-x}", "x"), ("${NOPE:-}", ""), ("${EMPTY}", ""), ("${EMPTY:-x}", "x"), ("${NAME:-x}", "Ada"),
        ("${NOPE:-a:-b}", "a:-b"), ("${NOPE:-$$}", "$$"), ("${NESTED}", "${NAME}"), ("}${NAME}}", "}Ada}"),
        ("${NOPE:-é}", "é"),
    ])
    func `variables are filled in once`(_ text: String, _ expected: String) throws {
        #expect(try Interpolation.apply(to: text) { Self.environment[$0] } == expected)
    }

    @Test(arguments: [
        "${NOPE}", "${", "${NAME", "${}", "${1}", "${A B}", "${NAME:x}", "${NAME:?x}", "${-x}", "${:-x}", "${é}",
        "$$${",
    ])
    func `a variable that is not there, or is none, is an error`(_ text: String) {
        #expect(throws: Interpolation.Failure.self) { try Interpolation.apply(to: text) { Self.environment[$0] } }
    }

    private static let keys = [
        "name", "path", "hosts", "methods", "function", "upstream", "redirect", "body_rate", "max",
    ]

    @Test(arguments: [
        ("fuction", "function"), ("functoin", "function"), ("Function", "function"), ("functions", "function"),
        ("host", "hosts"), ("method", "methods"), ("bodyRate", "body_rate"), ("body-rate", "body_rate"),
        ("pth", "path"),
        ("maximum", "max"), ("up_stream", "upstream"), ("nmae", "name"), ("päth", "path"), ("redirects", "redirect"),
        ("max_", "max"),
    ])
    func `the word that was probably meant is suggested`(_ word: String, _ expected: String) {
        #expect(suggestion(for: word, among: Self.keys) == expected)
    }

    @Test(arguments: ["", "x", "xyzzy", "target", "handler", "ab", String(repeating: "function", count: 20)])
    func `a word that is near none is left alone`(_ word: String) {
        #expect(suggestion(for: word, among: Self.keys) == nil)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3),
        ("ca", "abc", 3),
    ])
    func `distance counts letters that differ`(_ left: String, _ right: String, _ distance: Int) {
        #expect(editDistance(Array(left.utf8), Array(right.utf8)) == distance)
    }

    @Test
    func `a secret shows itself to nobody but its owner`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(["key": secret], to: &dumped)
        #expect(secret.reveal() == "hunter2")
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", "\(Located.unwritten(secret))", dumped] {
            #expect(!text.contains("hunter2"))
        }
    }
}
