import Glibc
import PenstockBytes
import TestSupport
import Testing

/// A block of `Cases/replies.txt` or `Cases/results.txt`: its name, what a function answers, and what a client gets.
struct AnswerCase: CustomTestStringConvertible, Sendable {
    let name: String
    let input: String
    private let expected: String
    var testDescription: String { name }

    static let replies = read("replies")
    static let results = read("results")

    private static func read(_ file: String) -> [AnswerCase] {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        guard let file = fopen("/\(folder)/Cases/\(file).txt", "r") else { preconditionFailure("no file \(file)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "==========\n").map { block in
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false).drop { !$0.hasPrefix("> ") }
            let text = lines.dropFirst().joined(separator: "\n")
            let halves = text.split(separator: "----------\n", maxSplits: 1, omittingEmptySubsequences: false)
            return AnswerCase(
                name: String(lines.first?.dropFirst(2) ?? ""),
                input: String(halves[0].dropLast()),
                expected: String(halves[1].dropLast())
            )
        }
    }

    /// `input` as an instance's reply: status, lines of fields, body.
    var reply: (status: Int, fields: [UInt8], body: [UInt8]) {
        var lines = input.split(separator: "\n", omittingEmptySubsequences: false)
        let status = Int(lines.removeFirst()) ?? 0
        let end = lines.firstIndex(of: "") ?? lines.endIndex
        let fields: [UInt8] = lines[..<end].flatMap { Self.bytes($0) + [0x0D, 0x0A] }
        return (status, fields, Self.bytes(lines.dropFirst(end + 1).joined(separator: "\n")))
    }

    /// Puts bytes in the place of `\xNN`.
    static func bytes(_ text: some StringProtocol) -> [UInt8] {
        var rest = Array(text.utf8)[...]
        var result: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == ASCII.backslash, rest.first == 0x78, rest.count > 2 {
                result.append(UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// What the client gets: status, fields, an empty line and the body; or the status and the reason in the log.
    var answer: [UInt8] { Self.bytes(expected) }

    /// What came back, in the form of ``answer``.
    static func text(_ answer: ScriptedAnswer, failure: String?) -> [UInt8] {
        if let failure { return Array("\(answer.status): \(failure)".utf8) }
        let fields = answer.fields.map { "\n\($0.name): \($0.value)" }.joined()
        return Array("\(answer.status)\(fields)".utf8) + (answer.body.isEmpty ? [] : [0x0A, 0x0A] + answer.body)
    }
}
