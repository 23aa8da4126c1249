import Testing

@testable import PenstockConfiguration

/// No text crashes the reader or keeps it busy: it is accepted, or refused with a place.
@Suite("Any bytes")
struct RobustnessTests {
    private static let valid: [UInt8] =
        Case.all.first { $0.name == "everything" }.map { found in
            Array(found.text.utf8.prefix { _ in true })
        }.map(withoutExpectation) ?? []

    private static func withoutExpectation(_ bytes: [UInt8]) -> [UInt8] {
        let divider = Array("\n----------".utf8)
        let end = bytes.indices.first { bytes[$0...].starts(with: divider) } ?? bytes.count
        return Array(bytes[..<end]) + [0x0A]
    }

    @Test
    func `every prefix of a file is accepted or refused`() {
        #expect(Self.valid.count > 2000)
        for count in Self.valid.indices { check(Array(Self.valid[..<count])) }
    }

    @Test(arguments: Array("\0\t\n\r !\"#$%&'*,-:>?@[]{}|~`\\aZ09".utf8) + [0x80, 0xC3, 0xFF])
    func `a file with one byte changed is accepted or refused`(_ byte: UInt8) {
        for index in stride(from: Int(byte) % 41, to: Self.valid.count, by: 41) {
            var bytes = Self.valid
            bytes[index] = byte
            check(bytes)
        }
    }

    @Test
    func `a file with lines left out, doubled or moved is accepted or refused`() {
        let lines = Self.valid.split(separator: 0x0A, omittingEmptySubsequences: false)
        for index in lines.indices {
            var fewer = lines
            let line = fewer.remove(at: index)
            check(Array(fewer.joined(separator: [0x0A])))
            for place in stride(from: index % 5, to: fewer.count, by: 5) {
                var moved = fewer
                moved.insert(line, at: place)
                check(Array(moved.joined(separator: [0x0A])))
            }
        }
    }

    @Test(
        arguments: [
            [0xFF, 0xFE, 0x61, 0x00], [0xFE, 0xFF, 0x00, 0x61], [0xC0, 0x80], [0xED, 0xA0, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0x80], [0x61, 0x3A, 0x20, 0xFF],
        ] as [[UInt8]]
    )
    func `what is not UTF-8 is refused with its place`(_ bytes: [UInt8]) {
        let loaded = Machine.parse(bytes: bytes)
        #expect(loaded.configuration == nil)
        #expect(loaded.diagnostics.count == 1)
        #expect(loaded.diagnostics.first?.position != .unwritten)
    }

    @Test
    func `a file that is too long is refused unread`() {
        let loaded = Machine.parse(bytes: Array(repeating: 0x23, count: SourceText.limit + 1))
        #expect(loaded.diagnostics.map(\.message) == ["the file is longer than 16MiB"])
    }

    @Test(arguments: [
        ("paths: { merge_slashes: yes", "routes.yaml:1:28: error: expected ',' or '}' in a mapping"),
        ("a: [b", "routes.yaml:1:6: error: expected ',' or ']' in a list"),
    ])
    func `what a file lacks at its end is missed in its last line`(_ text: String, _ error: String) {
        #expect(Machine.parse(text).rendered().hasPrefix(error))
    }

    @Test
    func `hostile structures end soon`() {
        let bombs = [
            String(repeating: "[", count: 1 << 20), String(repeating: "{a: ", count: 1 << 18),
            String(repeating: "- ", count: 1 << 18), String(repeating: "? ", count: 1 << 16),
            "a: &a " + String(repeating: "&a ", count: 1 << 16), String(repeating: "*a ", count: 1 << 16),
            "routes: [" + String(repeating: "{},", count: 20_000) + "]",
            "x: [&a [" + String(repeating: "1,", count: 50_000) + "], *a, *a, *a]",
            "\"" + String(repeating: "\\x41", count: 1 << 18) + "\": 1",
            String(repeating: "k: v\n", count: 50_000),
        ]
        for bomb in bombs {
            let clock = ContinuousClock()
            let time = clock.measure { check(Array(bomb.utf8)) }
            #expect(time < .seconds(20), "\(bomb.prefix(20))")
        }
    }

    @Test
    func `thousands of routes are read and compared`() throws {
        let same = (0..<5000).map { "  - { path: /x, match: { headers: { x-n: \"\($0)\" } }, respond: {} }\n" }
        let different = (0..<5000).map { "  - { path: \"/a\($0)/{id}\", methods: [GET], respond: {} }\n" }
        let text = "routes:\n" + different.joined() + same.joined()
        let loaded = Machine.parse(text)
        #expect(try #require(loaded.configuration).routes.count == 10_000)
    }

    @Test
    func `thousands of routes with priorities are compared`() throws {
        let routes = (0..<5000).map { index in
            "  - { path: \"/a\(index % 70)/{id}/b\(index)\", priority: \(index % 3), respond: {} }\n"
        }
        let above = "  - { path: \"/a7/{x*}\", priority: 3, hosts: [a.example], respond: {} }\n"
        let loaded = Machine.parse("routes:\n" + routes.joined() + above)
        #expect(try #require(loaded.configuration).routes.count == 5001)
    }

    private func check(_ bytes: [UInt8]) {
        let loaded = Machine.parse(bytes: bytes)
        #expect((loaded.configuration == nil) == loaded.diagnostics.hasErrors)
        #expect(loaded.diagnostics.count <= Configuration.diagnosticLimit + 1)
        if loaded.configuration == nil { #expect(!loaded.rendered().isEmpty) }
        let lines = bytes.count { $0 == 0x0A } + 1
        #expect(loaded.diagnostics.allSatisfy { $0.line <= lines }, "a place behind the end")
    }
}
