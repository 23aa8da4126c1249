internal import PenstockBytes

extension RequestTemplate {
    /// Reads a template.
    ///
    /// - Parameters:
    ///   - text: as the configuration writes it.
    ///   - use: what it is for.
    ///   - parameters: the names of the route's path parameters, in order; they go before `path`, `query` and `host`.
    /// - Throws: ``Problem``, which says what is wrong with it.
    public init(parsing text: String, use: Use, parameters: [String] = []) throws(Problem) {
        let pieces = try Self.cut(Array(text.utf8), parameters)
        switch use {
        case .field:
            try Self.checkField(pieces)
            self.pieces = pieces
            foldsSlashes = false
            appendsQuery = false
            mayMakeDotSegments = false
        case .path:
            try Self.checkStart(pieces, "a path")
            guard !pieces.contains(.query), !Self.hasLiteral(pieces, "?#") else {
                throw Problem(description: "a path ends before '?' and '#'; the query stays as it is")
            }
            self.pieces = try pieces.map { piece throws(Problem) in try Self.encoded(piece, keeping: "/") }
            foldsSlashes = false
            appendsQuery = false
            mayMakeDotSegments = try Self.checkDots(pieces)
        case .redirect(let mayUseHost):
            let isAbsolute = try Self.checkTarget(pieces, mayUseHost: mayUseHost)
            self.pieces = try pieces.map { piece throws(Problem) in try Self.encoded(piece, keeping: "/?#[]") }
            foldsSlashes = !isAbsolute
            appendsQuery = !pieces.contains(.query) && !Self.hasLiteral(pieces, "?#")
            mayMakeDotSegments = false
        }
    }

    // MARK: Cutting

    private static func cut(_ text: [UInt8], _ parameters: [String]) throws(Problem) -> [Piece] {
        let (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == open || byte == close, index + 1 < text.count, text[index + 1] == byte {
                literal.append(byte)
                index += 2
            } else if byte == open {
                guard let end = text[index...].firstIndex(of: close) else {
                    throw Problem(description: "'{' has no '}'; for the character itself write '{{'")
                }
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(try place(String(decoding: text[(index + 1)..<end], as: UTF8.self), parameters))
                index = end + 1
            } else if byte == close {
                throw Problem(description: "'}' has no '{'; for the character itself write '}}'")
            } else {
                literal.append(byte)
                index += 1
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return pieces
    }

    private static func place(_ name: String, _ parameters: [String]) throws(Problem) -> Piece {
        if let index = parameters.firstIndex(of: name) { return .parameter(index) }
        switch name {
        case "path": return .path
        case "query": return .query
        case "host": return .host
        default:
            let known = (parameters + ["path", "query", "host"]).map { "{\($0)}" }.joined(separator: ", ")
            throw Problem(description: "'{\(name)}' is not known here; there are \(known)")
        }
    }

    // MARK: Checking

    private static func checkField(_ pieces: [Piece]) throws(Problem) {
        for case .literal(let bytes) in pieces
        where bytes.contains(where: { ($0 < 0x20 && $0 != ASCII.tab) || $0 == 0x7F }) {
            throw Problem(description: "a field's value has no line breaks and other control bytes")
        }
    }

    private static func checkStart(_ pieces: [Piece], _ what: String) throws(Problem) {
        switch pieces.first {
        case .path: return
        case .literal(let bytes) where bytes.first == ASCII.slash: return
        default: throw Problem(description: "\(what) begins with '/'")
        }
    }

    /// Checks where a redirect leads to: only the configuration, or a host that the route names, decides the authority.
    ///
    /// - Returns: whether it has a scheme and an authority of its own.
    private static func checkTarget(_ pieces: [Piece], mayUseHost: Bool) throws(Problem) -> Bool {
        guard case .literal(let first) = pieces.first, let authority = authorityStart(first) else {
            try checkStart(pieces, "the target of a redirect is a URL with its scheme ('https://...'), or")
            return false
        }
        var isEmpty = true
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .literal(let bytes):
                let rest = index == 0 ? bytes[authority...] : bytes[...]
                if let end = rest.firstIndex(where: { "/?#".utf8.contains($0) }) {
                    if end == rest.startIndex, isEmpty { throw Problem(description: "the URL has no host") }
                    return true
                }
                if !rest.isEmpty { isEmpty = false }
            case .host:
                guard mayUseHost else {
                    throw Problem(
                        description: "'{host}' would let any client choose where this leads; name the route's 'hosts'"
                    )
                }
                isEmpty = false
            case .path:
                if isEmpty { throw Problem(description: "the URL has no host") }
                return true
            case .parameter, .query:
                throw Problem(description: "the host would be continued by what a client sends; put a '/' before it")
            }
        }
        if isEmpty { throw Problem(description: "the URL has no host") }
        return true
    }

    /// Where the authority begins in `scheme://authority`.
    private static func authorityStart(_ bytes: [UInt8]) -> Int? {
        let isSchemeByte: (UInt8) -> Bool = { ASCII.isLetter($0) || ASCII.isDigit($0) || "+.-".utf8.contains($0) }
        let scheme = bytes.prefix(while: isSchemeByte)
        guard let first = scheme.first, ASCII.isLetter(first) else { return nil }
        return bytes.dropFirst(scheme.count).starts(with: "://".utf8) ? scheme.count + 3 : nil
    }

    /// Refuses dot segments in literals.
    ///
    /// - Returns: whether a literal could become a dot segment together with a value beside it.
    private static func checkDots(_ pieces: [Piece]) throws(Problem) -> Bool {
        // A value is shown as 0, which no literal holds.
        let text = pieces.flatMap { piece -> [UInt8] in
            if case .literal(let bytes) = piece { decodedDots(bytes) } else { [0] }
        }
        var isSuspicious = false
        for segment in text.split(separator: ASCII.slash) where segment.contains(ASCII.dot) {
            guard segment.allSatisfy({ $0 == ASCII.dot || $0 == 0 }) else { continue }
            if segment.contains(0) {
                isSuspicious = true
            } else if segment.count <= 2 {
                throw Problem(description: "a path has no dot segments")
            }
        }
        return isSuspicious
    }

    private static func decodedDots(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: "%2e".utf8) || bytes[index...].starts(with: "%2E".utf8) {
                result.append(ASCII.dot)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private static func hasLiteral(_ pieces: [Piece], _ characters: String) -> Bool {
        pieces.contains { piece in
            if case .literal(let bytes) = piece { bytes.contains(where: characters.utf8.contains) } else { false }
        }
    }

    /// Escapes what may not stand in a URL as it is.
    private static func encoded(_ piece: Piece, keeping: String) throws(Problem) -> Piece {
        guard case .literal(let bytes) = piece else { return piece }
        var result: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if byte < 0x20 || byte == 0x7F || byte == ASCII.backslash {
                throw Problem(description: "a URL has no control bytes and no backslashes")
            }
            if byte == ASCII.percent {
                guard index + 2 < bytes.count, ASCII.hexValue(bytes[index + 1]) != nil,
                    ASCII.hexValue(bytes[index + 2]) != nil
                else { throw Problem(description: "'%' is followed by two hexadecimal digits") }
            }
            let isPlain =
                ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~!$&'()*+,;=:@%".utf8.contains(byte)
                || keeping.utf8.contains(byte)
            result += isPlain ? [byte] : [ASCII.percent, ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
        }
        return .literal(result)
    }
}
