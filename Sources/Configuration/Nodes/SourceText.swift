/// The text of a configuration file, by lines, for diagnostics that quote it.
public struct SourceText: Sendable {
    /// The longest file that is read, in bytes.
    public static let limit = 16 << 20

    /// The file as it was given.
    public let file: String

    /// 0 for the file that was named, then the included ones in their order.
    let number: Int

    /// Its bytes.
    let bytes: [UInt8]

    /// Where each line begins.
    private let starts: [Int]

    init(file: String, bytes: [UInt8], number: Int = 0) {
        self.file = file
        self.number = number
        // A byte order mark is no part of the text (YAML 1.2 section 5.2), nor of its columns.
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        var starts = [0]
        for (offset, byte) in self.bytes.enumerated() where byte == 0x0A { starts.append(offset + 1) }
        self.starts = starts
    }

    /// The text of a line without its end.
    ///
    /// - Parameter number: counted from 1.
    /// - Returns: the line, invalid bytes replaced; `nil` where there is no such line.
    public func line(_ number: Int) -> String? {
        guard number >= 1, number <= starts.count else { return nil }
        let start = starts[number - 1]
        var end = number < starts.count ? starts[number] - 1 : bytes.count
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// The character at a place, if there is one.
    func character(at position: Position) -> Unicode.Scalar? {
        line(position.line)?.unicodeScalars.dropFirst(position.column - 1).first
    }

    /// The place of the byte at `offset`.
    func position(of offset: Int) -> Position {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        let start = starts[low]
        let characters = bytes[start..<max(start, min(offset, bytes.count))].count { $0 & 0xC0 != 0x80 }
        return Position(line: low + 1, column: characters + 1, file: number)
    }

    /// The first byte that no YAML file may have, and what is wrong with it.
    func flaw() -> (offset: Int, message: String, hint: String?)? {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return (0, "the file is UTF-16", "save it as UTF-8")
        }
        var offset = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte < 0x80 {
                if byte >= 0x20 ? byte == 0x7F : ![0x09, 0x0A, 0x0D].contains(byte) {
                    return (offset, "a control character (0x\(Self.hex(byte))) in the file", nil)
                }
                if byte == 0x0D, offset + 1 == bytes.count || bytes[offset + 1] != 0x0A {
                    return (offset, "a carriage return that no line feed follows", "end lines with a line feed")
                }
                offset += 1
            } else if let length = Self.sequenceLength(bytes, at: offset) {
                if let message = Self.invisible(bytes[offset..<offset + length]) {
                    return (offset, message, "in a text in double quotes, write it with a backslash")
                }
                offset += length
            } else {
                return (offset, "the file is not UTF-8 here (byte 0x\(Self.hex(byte)))", "save it as UTF-8")
            }
        }
        return nil
    }

    /// What is wrong with a character that nobody sees: libyaml ends lines at some of them, editors do not, and says of
    /// others neither where nor what they are.
    private static func invisible(_ character: ArraySlice<UInt8>) -> String? {
        guard let scalar = String(decoding: character, as: UTF8.self).unicodeScalars.first else { return nil }
        let name = "U+\(String(scalar.value | 0x1_0000, radix: 16, uppercase: true).dropFirst())"
        return switch scalar.value {
        case 0x80...0x9F: "a control character (\(name)) in the file"
        case 0x2028, 0x2029: "a line separator (\(name)) in the file"
        case 0xFEFF: "a byte order mark (\(name)) inside the file"
        default: nil
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.count < 2 ? "0\(text)" : text
    }

    /// The length of the UTF-8 sequence of two to four bytes at `offset`, or `nil` (RFC 3629 section 4).
    private static func sequenceLength(_ bytes: [UInt8], at offset: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[offset] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return nil
        }
        guard offset + length <= bytes.count, second.contains(bytes[offset + 1]) else { return nil }
        for index in (offset + 2)..<(offset + length) where bytes[index] & 0xC0 != 0x80 { return nil }
        return length
    }
}
