internal import PenstockBytes
public import PenstockPatterns

extension RequestTemplate {
    /// Prepares a template that the configuration has checked: its names are parameters of the route or variables, and
    /// it stands where it may.
    ///
    /// - Parameters:
    ///   - template: resolved with the route's parameters.
    ///   - use: what it is for.
    ///   - parameters: the names of the route's path parameters, in order.
    public init(_ template: Template, for use: Use, parameters: [String] = []) {
        let pieces = template.parts.map { Self.piece($0, parameters) }
        switch use {
        case .field:
            self.pieces = pieces
            foldsSlashes = false
            appendsQuery = false
            mayMakeDotSegments = false
        case .path:
            self.pieces = pieces.map { Self.encoded($0, keeping: "/") }
            foldsSlashes = false
            appendsQuery = false
            mayMakeDotSegments = Self.mayMakeDotSegments(pieces)
        case .redirect:
            self.pieces = pieces.map { Self.encoded($0, keeping: "/?#[]") }
            foldsSlashes = !Self.hasScheme(pieces)
            appendsQuery = !pieces.contains(.query) && !Self.hasLiteral(pieces, "?#")
            mayMakeDotSegments = false
        }
    }

    private static func piece(_ part: Template.Part, _ parameters: [String]) -> Piece {
        switch part {
        case .literal(let text): return .literal(Array(text.utf8))
        case .variable(.path): return .path
        case .variable(.query): return .query
        case .variable(.host): return .host
        case .parameter(let name):
            guard let index = parameters.firstIndex(of: name) else {
                preconditionFailure("'{\(name)}' is no parameter of the route")
            }
            return .parameter(index)
        }
    }

    /// Whether a target is a URL: one on the same host begins with its path.
    private static func hasScheme(_ pieces: [Piece]) -> Bool {
        guard case .literal(let first) = pieces.first else { return false }
        return first.first != ASCII.slash
    }

    /// Whether a literal could become a dot segment together with a value beside it.
    private static func mayMakeDotSegments(_ pieces: [Piece]) -> Bool {
        // A value is shown as 0, which no literal holds.
        let text = pieces.flatMap { piece -> [UInt8] in
            if case .literal(let bytes) = piece { decodedDots(bytes) } else { [0] }
        }
        return text.split(separator: ASCII.slash).contains { segment in
            segment.contains(ASCII.dot) && segment.contains(0) && segment.allSatisfy { $0 == ASCII.dot || $0 == 0 }
        }
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
    private static func encoded(_ piece: Piece, keeping: String) -> Piece {
        guard case .literal(let bytes) = piece else { return piece }
        return .literal(
            bytes.flatMap { byte -> [UInt8] in
                let isPlain =
                    ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~!$&'()*+,;=:@%".utf8.contains(byte)
                    || keeping.utf8.contains(byte)
                return isPlain ? [byte] : [ASCII.percent, ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            }
        )
    }
}
