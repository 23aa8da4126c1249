internal import PenstockBytes

/// A route's path as the configuration writes it, cut into segments: `/users/{id}`, `/shop/{rest*}`.
///
/// Literals are brought into the form that request paths are normalised to (architecture.md, section 6), so that
/// `/caf%c3%a9`, `/caf%C3%A9` and `/café` are one pattern.
public struct PathPattern: Hashable, Sendable {
    /// One part of a path between two slashes.
    public enum Segment: Hashable, Sendable {
        /// These bytes exactly, in normalised form; may be empty (`/a/` ends in one).
        case literal([UInt8])
        /// `{x}`: one segment that is not empty.
        case one(String)
        /// `{x+}`: the rest of the path, at least one segment of it not empty; last only.
        case some(String)
        /// `{x*}`: the rest of the path, possibly none of it, not even the slash before it; last only.
        case rest(String)
    }

    /// Why a text is no path pattern, in words for the person who wrote it.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// The most segments a pattern may have: a search goes as deep as its patterns do.
    public static let segmentLimit = 64

    /// The segments, in order; `/` is one empty literal.
    public let segments: [Segment]

    /// The names between braces, in order: the order of a match's parameters.
    public var parameterNames: [String] {
        segments.compactMap { segment in
            switch segment {
            case .literal: nil
            case .one(let name), .some(let name), .rest(let name): name
            }
        }
    }

    /// Reads a pattern.
    ///
    /// - Parameter text: a path that begins with `/`.
    /// - Throws: ``Problem``, which says what is wrong with it.
    public init(parsing text: String) throws(Problem) {
        guard text.utf8.first == ASCII.slash else { throw Problem(description: "a path begins with '/'") }
        let parts = text.utf8.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard parts.count <= Self.segmentLimit else {
            throw Problem(description: "a path has at most \(Self.segmentLimit) segments; this one has \(parts.count)")
        }
        var segments: [Segment] = []
        var names: Set<String> = []
        for (index, part) in parts.enumerated() {
            let segment = try Self.segment(Array(part))
            if let name = segment.name, !names.insert(name).inserted {
                throw Problem(description: "the parameter '{\(name)}' is there twice")
            }
            if segment.takesRest, index != parts.count - 1 {
                throw Problem(
                    description:
                        "'\(String(decoding: part, as: UTF8.self))' takes the rest of the path, so it stands last"
                )
            }
            segments.append(segment)
        }
        self.segments = segments
    }

    private static func segment(_ bytes: [UInt8]) throws(Problem) -> Segment {
        guard bytes.contains(UInt8(ascii: "{")) || bytes.contains(UInt8(ascii: "}")) else {
            return .literal(try literal(bytes))
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}"), bytes.count > 2 else {
            throw Problem(description: "a parameter is a whole segment, as '/{name}/'; '\(text)' is not")
        }
        let inside = bytes[1..<bytes.count - 1]
        let name = inside.last == UInt8(ascii: "+") || inside.last == UInt8(ascii: "*") ? inside.dropLast() : inside
        guard !name.isEmpty, name.allSatisfy(isNameByte) else {
            throw Problem(
                description: "a parameter's name is made of letters, digits, '_', '-' and '.'; '\(text)' is not"
            )
        }
        let word = String(decoding: name, as: UTF8.self)
        switch inside.last {
        case UInt8(ascii: "+"): return .some(word)
        case UInt8(ascii: "*"): return .rest(word)
        default: return .one(word)
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            || byte == ASCII.dot
    }

    /// Brings a literal into the normalised form, or says why no request could ever have it.
    private static func literal(_ bytes: [UInt8]) throws(Problem) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == ASCII.percent {
                guard index + 2 < bytes.count, let high = ASCII.hexValue(bytes[index + 1]),
                    let low = ASCII.hexValue(bytes[index + 2])
                else { throw Problem(description: "'%' is followed by two hexadecimal digits") }
                try append(high << 4 | low, escaped: true, to: &result)
                index += 3
            } else {
                try append(bytes[index], escaped: false, to: &result)
                index += 1
            }
        }
        let name = result.prefix { $0 != ASCII.semicolon }
        if name.elementsEqual([ASCII.dot]) || name.elementsEqual([ASCII.dot, ASCII.dot]) {
            throw Problem(description: "dot segments are taken out of every request, so this can never match")
        }
        return result
    }

    private static func append(_ byte: UInt8, escaped: Bool, to result: inout [UInt8]) throws(Problem) {
        if byte < 0x20 || byte == 0x7F || byte == ASCII.backslash {
            throw Problem(
                description: "a request with a control byte or a backslash is refused, so this can never match"
            )
        }
        if !escaped, byte == ASCII.question || byte == UInt8(ascii: "#") {
            throw Problem(description: "a path ends before '?' and '#'; a query is matched by 'match: { query: ... }'")
        }
        if isUnreserved(byte) || (!escaped && isPathByte(byte)) {
            result.append(byte)
        } else {
            result += [ASCII.percent, ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
        }
    }

    /// RFC 3986 §2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~".utf8.contains(byte)
    }

    /// The other bytes that a segment holds unescaped: `sub-delims`, `:` and `@` (RFC 3986 §3.3).
    private static func isPathByte(_ byte: UInt8) -> Bool { "!$&'()*+,;=:@".utf8.contains(byte) }
}

extension PathPattern.Segment {
    var name: String? {
        switch self {
        case .literal: nil
        case .one(let name), .some(let name), .rest(let name): name
        }
    }

    var takesRest: Bool {
        switch self {
        case .literal, .one: false
        case .some, .rest: true
        }
    }

    /// The order in which a search tries them: 0 first.
    var rank: Int {
        switch self {
        case .literal: 0
        case .one: 1
        case .some: 2
        case .rest: 3
        }
    }
}

extension PathPattern: CustomStringConvertible {
    public var description: String { segments.map { "/\($0)" }.joined() }
}
