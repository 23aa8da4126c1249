internal import PenstockBytes

/// `${NAME}`, `${NAME:-default}` and `$$` in a scalar.
enum Interpolation {
    /// Why a text could not be completed.
    struct Failure: Error, Equatable {
        let message: String
        let hint: String?
    }

    /// Fills in the variables of `text`.
    ///
    /// A `$` before anything but `{` and `$` stands for itself. A default is used where the variable is not set or
    /// empty, as a shell does; it ends at the first `}` and is not looked into.
    ///
    /// - Parameters:
    ///   - text: a scalar, after YAML's own escapes.
    ///   - environment: the value of a variable, `nil` where it is not set.
    /// - Returns: the text with everything filled in.
    /// - Throws: ``Failure`` where a variable is not set and has no default, or its name is none.
    static func apply(
        to text: String,
        environment: (String) -> String?
    ) throws(Failure) -> String {
        guard text.utf8.contains(0x24) else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if rest.first == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Failure(message: "'${' without '}'", hint: "'$$' stands for a dollar sign")
                }
                result += try value(of: rest[rest.index(after: rest.startIndex)..<end], environment)
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    private static func value(
        of expression: Substring,
        _ environment: (String) -> String?
    ) throws(Failure) -> String {
        let name = expression.prefix { $0 != ":" }
        let rest = expression.dropFirst(name.count)
        guard isName(name), rest.isEmpty || rest.hasPrefix(":-") else {
            throw Failure(
                message: "'${\(String(expression).excerpt)}' names no environment variable",
                hint: "write ${NAME} or ${NAME:-default}; '$$' stands for a dollar sign"
            )
        }
        let value = environment(String(name))
        if rest.isEmpty {
            if let value { return value }
            throw Failure(
                message: "the environment variable '\(name)' is not set",
                hint: "set it, or write ${\(name):-default}"
            )
        }
        return value.flatMap { $0.isEmpty ? nil : $0 } ?? String(rest.dropFirst(2))
    }

    /// Whether `name` can be the name of an environment variable: letters, digits and `_`, no digit first.
    static func isName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { $0 == 0x5F || (0x30...0x39).contains($0) || (($0 | 0x20) &- 0x61) < 26 }
    }
}
