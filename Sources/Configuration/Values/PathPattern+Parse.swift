internal import PenstockBytes

extension PathPattern {
    /// The most bytes of a pattern.
    private static let limit = 2048

    /// The most segments of a pattern: a search goes as deep as the patterns do.
    private static let segmentLimit = 64

    /// Reads `/users/{id}`, `/shop/{rest*}`.
    static func parse(_ text: String) throws(Complaint) -> PathPattern {
        _ = try Kind.visible(text)
        guard text.hasPrefix("/") else { throw Complaint("does not begin with '/'", hint: "write '/\(text)'") }
        guard text.utf8.count <= limit else { throw Complaint("is longer than \(limit) bytes") }
        let pieces = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard pieces.count <= segmentLimit else { throw Complaint("has more than \(segmentLimit) segments") }
        var segments: [Segment] = []
        for piece in pieces {
            let segment = try segment(piece)
            switch segments.last {
            case .oneOrMore(let name), .rest(let name):
                throw Complaint("has something after '{\(name)...}', which takes all that follows")
            default: segments.append(segment)
            }
        }
        let names = segments.compactMap(\.parameter)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw Complaint("has two parameters '\(twice)'")
        }
        return PathPattern(text: text, segments: segments)
    }

    private static func segment(_ piece: Substring) throws(Complaint) -> Segment {
        guard piece.contains(where: { $0 == "{" || $0 == "}" }) else { return .literal(try literal(piece)) }
        guard piece.hasPrefix("{"), piece.hasSuffix("}"), piece.count(where: { $0 == "{" || $0 == "}" }) == 2 else {
            throw Complaint("has a parameter that is not a whole segment: '\(String(piece).excerpt)'")
        }
        var name = piece.dropFirst().dropLast()
        let mark = name.last
        if mark == "+" || mark == "*" { name = name.dropLast() }
        guard Template.isName(name) else {
            let hint = name.hasPrefix("*") ? "write '{\(name.dropFirst())*}'" : nil
            throw Complaint("has a parameter without a valid name: '\(String(piece).excerpt)'", hint: hint)
        }
        return switch mark {
        case "+": .oneOrMore(String(name))
        case "*": .rest(String(name))
        default: .one(String(name))
        }
    }

    /// The one form of a segment that request paths are normalised to (RFC 3986 section 6.2.2).
    private static func literal(_ piece: Substring) throws(Complaint) -> String {
        if piece == "*" || piece == "**" {
            throw Complaint("has a segment '\(piece)', which takes a '*' and nothing else", hint: "write '{rest*}'")
        }
        if piece.hasPrefix(":"), Template.isName(piece.dropFirst()) {
            throw Complaint("has a segment '\(piece)', which is no parameter", hint: "write '{\(piece.dropFirst())}'")
        }
        var result: [UInt8] = []
        var bytes = piece.utf8[...]
        while let byte = bytes.popFirst() {
            if byte == ASCII.percent {
                result += try escape(&bytes)
            } else if isPathByte(byte) {
                result.append(byte)
            } else if byte >= 0x80 {
                result += [ASCII.percent, ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            } else {
                throw Complaint("has a character that a path cannot have: '\(Unicode.Scalar(byte))'")
            }
        }
        let text = String(decoding: result, as: UTF8.self)
        guard !isDots(text.prefix { $0 != ";" }) else {
            throw Complaint("has a segment '.' or '..', which no request has")
        }
        return text
    }

    /// What stands for the two digits after a `%`: the byte itself where it needs no escape.
    private static func escape(_ bytes: inout Substring.UTF8View) throws(Complaint) -> [UInt8] {
        guard let high = bytes.popFirst().flatMap(ASCII.hexValue), let low = bytes.popFirst().flatMap(ASCII.hexValue)
        else { throw Complaint("has a '%' without two hexadecimal digits") }
        let byte = high << 4 | low
        guard byte >= 0x20, byte != 0x7F, byte != ASCII.backslash else {
            throw Complaint("has an escape that every request is refused for")
        }
        return isUnreserved(byte) ? [byte] : [ASCII.percent, ASCII.hexDigit(high), ASCII.hexDigit(low)]
    }

    private static func isDots(_ text: Substring) -> Bool { text == "." || text == ".." }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~".utf8.contains(byte)
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || "!$&'()*+,;=:@".utf8.contains(byte)
    }
}
