import Glibc
import PenstockConfiguration
import PenstockObservability
import Testing

/// README.md says what is: `make reference` writes its references anew.
@Suite("README")
struct ReadmeTests {
    private static let root = #filePath.dropLast("Tests/GatewayTests/ReadmeTests.swift".count)
    private static let text = CaseFile.contents("\(root)README.md")

    @Test(
        arguments: [
            ("markdown", Configuration.reference()), ("metrics", MetricFamily.reference()),
        ]
    )
    func `its references are current`(_ flag: String, _ current: String) throws {
        let start = try #require(Self.text.firstRange(of: "<!-- penstock schema --\(flag) -->\n"), "no mark")
        let rest = Self.text[start.upperBound...]
        let end = try #require(rest.firstRange(of: "<!-- end -->"), "no mark of the end")
        let shown = String(rest[..<end.lowerBound])
        #expect(shown.split(separator: "\n") == current.split(separator: "\n"), "say `make reference`")
    }

    @Test func `every file that it names is there`() {
        let links = Self.text.matches(of: /\]\(([^)#]+)\)/).map { String($0.1) }.filter { !$0.hasPrefix("http") }
        #expect(links.count > 20)
        for link in links { #expect(access("\(Self.root)\(link)", F_OK) == 0, "\(link)") }
    }
}
