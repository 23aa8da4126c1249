import Glibc
import Testing

/// A file of `Cases`: an input, lines of `----------`, and what becomes of it.
///
/// `PENSTOCK_RECORD=1 swift test --filter GatewayTests` writes what becomes of it now; look at the difference.
struct CaseFile: Sendable, CustomTestStringConvertible {
    static let divider = "----------"

    let name: String
    let path: String

    /// What stands between the dividers; the first is the input.
    let parts: [String]

    var testDescription: String { name }

    /// Every `.txt` in a folder of `Cases`.
    static func all(in folder: String) -> [CaseFile] {
        let path = "\(root)/\(folder)"
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var cases: [CaseFile] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".txt") else { continue }
            cases.append(CaseFile(name: String(name.dropLast(4)), path: "\(path)/\(name)"))
        }
        return cases.sorted { $0.name < $1.name }
    }

    /// The folder `Cases`.
    static let root = #filePath.dropLast("CaseFile.swift".count) + "Cases"

    private init(name: String, path: String) {
        self.name = name
        self.path = path
        var parts = [""]
        for line in Self.contents(path).split(separator: "\n", omittingEmptySubsequences: false) {
            if line == Self.divider { parts.append("") } else { parts[parts.count - 1] += line + "\n" }
        }
        self.parts = parts.map { part in String(part.reversed().drop { $0 == "\n" }.reversed()) }
    }

    /// Compares with what the file expects, or records it.
    func expect(_ actual: [String]) throws {
        guard getenv("PENSTOCK_RECORD") != nil else {
            #expect(actual == Array(parts.dropFirst()))
            return
        }
        let text = ([parts[0]] + actual).joined(separator: "\n\(Self.divider)\n") + "\n"
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }

    static func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while let byte = UInt8(exactly: getc(file)) { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
