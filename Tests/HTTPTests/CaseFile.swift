import Glibc
import Testing

/// One row of a table under `Cases/`: what is expected, why, and the bytes.
struct Case: Sendable, CustomTestStringConvertible {
    let expected: String
    let why: String
    let bytes: [UInt8]

    var testDescription: String { "\(why): \(expected)" }

    /// The rows of `Cases/<name>.txt`; lines that begin with `#` and empty ones separate them.
    static func rows(_ name: String, file: StaticString = #filePath) -> [Case] {
        let folder = "\(file)".split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let lines = contents("\(folder)/Cases/\(name).txt").split(separator: "\n", omittingEmptySubsequences: true)
        return lines.filter { !$0.hasPrefix("#") }.map { line in
            let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
            precondition(parts.count == 3, "\(name): \(line)")
            return Case(
                expected: expand(String(parts[0])),
                why: String(parts[1]),
                bytes: unescape(Array(parts[2].utf8))
            )
        }
    }

    private static func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { preconditionFailure("no file \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    private static func expand(_ text: String) -> String {
        text.contains("*") || text.contains("\\") ? String(decoding: unescape(Array(text.utf8)), as: UTF8.self) : text
    }

    /// The bytes that a row means: see the head of `requests.txt`.
    private static func unescape(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "{"), let times = repetition(text, from: index) {
                let body = unescape(Array(text[times.body]))
                for _ in 0..<times.count { result += body }
                index = times.body.upperBound + 1
            } else if byte == UInt8(ascii: "\\"), index < text.count {
                index = appendEscaped(text, index, to: &result)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// Where `N*x}` stands at `start`: N, and where x is.
    private static func repetition(_ text: [UInt8], from start: Int) -> (count: Int, body: Range<Int>)? {
        guard let star = text[start...].firstIndex(of: UInt8(ascii: "*")), star > start,
            let count = Int(String(decoding: text[start..<star], as: UTF8.self)),
            let end = text[star...].firstIndex(of: UInt8(ascii: "}"))
        else { return nil }
        return (count, star + 1..<end)
    }

    private static func appendEscaped(_ text: [UInt8], _ index: Int, to result: inout [UInt8]) -> Int {
        switch text[index] {
        case UInt8(ascii: "n"): result += [13, 10]
        case UInt8(ascii: "r"): result.append(13)
        case UInt8(ascii: "l"): result.append(10)
        case UInt8(ascii: "t"): result.append(9)
        case UInt8(ascii: "s"): result.append(32)
        case UInt8(ascii: "x"):
            let digits = String(decoding: text[index + 1..<index + 3], as: UTF8.self)
            result.append(UInt8(digits, radix: 16) ?? 0)
            return index + 3
        case let other: result.append(other)
        }
        return index + 1
    }
}
