internal import PenstockBytes

extension PathPattern {
    /// The most bytes of a pattern.
    private static let limit = 2048

    /// The most segments of a pattern: a search goes as deep as the patterns do.
    private static let segmentLimit = 64

    /// Reads `/users/{id}`, `/shop/{rest*}`.
    ///
    /// - Parameter text: as the configuration writes it.
    /// - Throws: ``PatternError``.
    public init(parsing text: String) throws(PatternError) {
        guard !text.isEmpty else { throw PatternError("is empty") }
        guard !text.utf8.contains(where: ASCII.isControl) else { throw PatternError("has a control character") }
        guard text.utf8.first == ASCII.slash else {
            throw PatternError("does not begin with '/'", hint: "write '/\(text)'")
        }
        guard text.utf8.count <= Self.limit else { throw PatternError("is longer than \(Self.limit) bytes") }
        // Bytes, not characters: to those a '/' with an accent is no '/'.
        let pieces = text.utf8.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard pieces.count <= Self.segmentLimit else {
            throw PatternError("has more than \(Self.segmentLimit) segments")
        }
        var segments: [Segment] = []
        for piece in pieces {
            let segment = try Self.segment(piece)
            if let last = segments.last, last.takesRest, let name = last.parameter {
                throw PatternError("has something after '{\(name)...}', which takes all that follows")
            }
            segments.append(segment)
        }
        let names = segments.compactMap(\.parameter)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw PatternError("has two parameters '\(twice)'")
        }
        self.init(text: text, segments: segments)
    }

    private static func segment(_ piece: Substring.UTF8View) throws(PatternError) -> Segment {
        let braces = piece.count { $0 == ASCII.openBrace || $0 == ASCII.closeBrace }
        guard braces > 0 else { return .literal(try literal(piece)) }
        let shown = String(Substring(piece)).excerpt
        guard piece.first == ASCII.openBrace, piece.last == ASCII.closeBrace, braces == 2 else {
            throw PatternError("has a parameter that is not a whole segment: '\(shown)'")
        }
        let inside = Substring(piece.dropFirst().dropLast())
        let mark = inside.utf8.last.flatMap(Mark.init)
        let name = mark == nil ? inside : inside.dropLast()
        guard Template.isName(name) else {
            var hint = name.hasPrefix("*") ? "write '{\(name.dropFirst())*}'" : nil
            // Go's net/http and others write so.
            if name.hasSuffix("...") { hint = "write '{\(name.dropLast(3))*}'" }
            throw PatternError("has a parameter without a valid name: '\(shown)'", hint: hint)
        }
        return switch mark {
        case .plus: .oneOrMore(String(name))
        case .star: .rest(String(name))
        case nil: .one(String(name))
        }
    }

    /// What stands behind a parameter's name.
    private enum Mark: UInt8 {
        case plus = 0x2B
        case star = 0x2A
    }

    /// The one form of a segment that request paths are normalised to (RFC 3986 section 6.2.2).
    private static func literal(_ piece: Substring.UTF8View) throws(PatternError) -> String {
        try checkCustoms(Substring(piece))
        var result: [UInt8] = []
        var bytes = piece
        while let byte = bytes.popFirst() {
            if byte == ASCII.percent {
                result += try escape(&bytes)
            } else if isPathByte(byte) {
                result.append(byte)
            } else if byte >= 0x80 {
                result += [ASCII.percent, ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            } else {
                throw PatternError("has a character that a path cannot have: '\(Unicode.Scalar(byte))'")
            }
        }
        guard !result.withUnsafeBytes(DisguisedDots.found) else {
            throw PatternError("has a segment '.' or '..', which no request has")
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Refuses what stands for a parameter elsewhere.
    private static func checkCustoms(_ piece: Substring) throws(PatternError) {
        if piece == "*" || piece == "**" {
            throw PatternError("has a segment '\(piece)', which takes a '*' and nothing else", hint: "write '{rest*}'")
        }
        if piece.hasPrefix(":"), Template.isName(piece.dropFirst()) {
            throw PatternError(
                "has a segment '\(piece)', which is no parameter",
                hint: "write '{\(piece.dropFirst())}'"
            )
        }
    }

    /// What stands for the two digits after a `%`: the byte itself where it needs no escape.
    private static func escape(_ bytes: inout Substring.UTF8View) throws(PatternError) -> [UInt8] {
        guard let high = bytes.popFirst().flatMap(ASCII.hexValue), let low = bytes.popFirst().flatMap(ASCII.hexValue)
        else { throw PatternError("has a '%' without two hexadecimal digits") }
        let byte = high << 4 | low
        guard !ASCII.isControl(byte), byte != ASCII.backslash else {
            throw PatternError("has an escape that every request is refused for")
        }
        return isUnreserved(byte) ? [byte] : [ASCII.percent, ASCII.hexDigit(high), ASCII.hexDigit(low)]
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~".utf8.contains(byte)
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || "!$&'()*+,;=:@".utf8.contains(byte)
    }
}
