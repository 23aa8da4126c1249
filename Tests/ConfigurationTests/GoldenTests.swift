import Glibc
import Testing

@testable import PenstockConfiguration

/// `Cases/*.txt`: a configuration, a line of `----------`, what becomes of it.
///
/// `PENSTOCK_RECORD=1 swift test --filter GoldenTests` writes what becomes of them now; look at the difference.
@Suite("Cases")
struct GoldenTests {
    @Test(arguments: Case.all)
    func `the configuration becomes what its case says`(_ case: Case) throws {
        let parts = `case`.text.components(separatedBy: Case.divider)
        let loaded = Machine.parse(Case.input(parts[0]))
        let actual = loaded.rendered() + (loaded.configuration.map(\.facts) ?? "")
        if getenv("PENSTOCK_RECORD") != nil {
            try `case`.write(parts[0] + Case.divider + actual)
        } else {
            try #require(parts.count == 2, "no divider")
            #expect(actual == parts[1])
        }
    }

    @Test
    func `there are at least 60 cases`() {
        #expect(Case.all.count >= 60)
    }

    @Test(arguments: Case.all)
    func `no case shows a secret`(_ case: Case) {
        let parts = `case`.text.components(separatedBy: Case.divider)
        let loaded = Machine.parse(Case.input(parts[0]))
        let dump = "\(loaded.rendered())\(String(reflecting: loaded.configuration))"
        for secret in Machine.secrets { #expect(!dump.contains(secret)) }
    }
}

/// One file of `Cases`.
struct Case: Sendable, CustomTestStringConvertible {
    static let divider = "\n----------\n"

    let name: String
    let path: String
    let text: String

    var testDescription: String { name }

    static let all: [Case] = {
        let folder = "\(#filePath.dropLast("GoldenTests.swift".count))Cases"
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var cases: [Case] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".txt"), let text = read("\(folder)/\(name)") else { continue }
            cases.append(Case(name: String(name.dropLast(4)), path: "\(folder)/\(name)", text: text))
        }
        return cases.sorted { $0.name < $1.name }
    }()

    private static func read(_ path: String) -> String? {
        guard case .success(let bytes) = FileSystem.host().read(path, 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text before the divider as a file has it: with a line end.
    static func input(_ text: String) -> String { text.isEmpty ? "" : text + "\n" }

    func write(_ text: String) throws {
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }
}

extension String {
    fileprivate func components(separatedBy divider: String) -> [String] {
        var parts: [String] = []
        var rest = utf8[...]
        let wanted = Array(divider.utf8)
        var start = rest.startIndex
        var index = rest.startIndex
        while index != rest.endIndex {
            if rest[index...].starts(with: wanted) {
                parts.append(String(rest[start..<index]) ?? "")
                index = rest.index(index, offsetBy: wanted.count)
                start = index
            } else {
                index = rest.index(after: index)
            }
        }
        rest = rest[start...]
        return parts + [String(rest) ?? ""]
    }
}
