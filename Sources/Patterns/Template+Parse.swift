internal import PenstockBytes

extension Template {
    /// Reads a text with `{name}` in it; `{{` and `}}` stand for braces.
    ///
    /// Every name is taken for a parameter until the route's path is known; see ``resolved(with:)``.
    ///
    /// - Parameter text: as the configuration writes it.
    /// - Throws: ``PatternError``.
    public init(parsing text: String) throws(PatternError) {
        guard !text.utf8.contains(where: { ASCII.isControl($0) && $0 != ASCII.tab }) else {
            throw PatternError("has a control character")
        }
        var parts: [Part] = []
        var literal = ""
        // Bytes, not characters: to those a brace with an accent is no brace.
        var rest = text.utf8[...]
        while let index = rest.firstIndex(where: { $0 == ASCII.openBrace || $0 == ASCII.closeBrace }) {
            literal += Substring(rest[..<index])
            let brace = rest[index]
            rest = rest[rest.index(after: index)...]
            if rest.first == brace {
                literal.unicodeScalars.append(Unicode.Scalar(brace))
                rest = rest.dropFirst()
                continue
            }
            guard brace == ASCII.openBrace, let end = rest.firstIndex(of: ASCII.closeBrace) else {
                let shown = Unicode.Scalar(brace)
                throw PatternError("has '\(shown)' alone", hint: "'\(shown)\(shown)' stands for the brace itself")
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(.parameter(try Self.name(Substring(rest[..<end]))))
            rest = rest[rest.index(after: end)...]
        }
        literal += Substring(rest)
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.init(text: text, parts: parts)
    }

    private static func name(_ text: Substring) throws(PatternError) -> String {
        if isName(text) { return String(text) }
        if isName(text.dropLast()), text.hasSuffix("*") || text.hasSuffix("+") {
            throw PatternError(
                "has '{\(text)}'",
                hint: "write '{\(text.dropLast())}' here: the mark belongs in the path"
            )
        }
        throw PatternError(
            "has '{\(String(text).excerpt)}', which is no name",
            hint: "'{{' stands for the brace itself"
        )
    }

    /// Whether a parameter may be called so: letters, digits, `_` and `-`, no digit or `-` first.
    static func isName(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, ASCII.isLetter(first) || first == 0x5F, text.utf8.count <= 64 else {
            return false
        }
        return text.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x5F || $0 == 0x2D }
    }

    /// The template for a route with these path parameters.
    ///
    /// - Parameter parameters: the names in the route's path.
    /// - Returns: the template with what is not one of them taken for a ``Variable``, and the names that are neither.
    public func resolved(with parameters: [String]) -> (template: Template, unknown: [String]) {
        var unknown: [String] = []
        let parts = parts.map { part -> Part in
            guard case .parameter(let name) = part, !parameters.contains(name) else { return part }
            if let variable = Variable(rawValue: name) { return .variable(variable) }
            unknown.append(name)
            return part
        }
        return (Template(text: text, parts: parts), unknown)
    }
}
