/// What is asked of a text: of a field's value, a parameter or a cookie.
public enum TextCondition: Hashable, Sendable {
    /// It is there, whatever it says.
    case present
    /// It is not there.
    case absent
    case exact(String)
    case prefix(String)
    case suffix(String)
    /// Some part of it matches.
    case regex(RegularExpression)

    /// Whether this holds wherever `other` does; `false` where that cannot be told.
    public func isImplied(by other: TextCondition) -> Bool {
        switch (self, other) {
        case (.absent, .absent): true
        case (.absent, _), (_, .absent): false
        case (.present, _): true
        case (.prefix(let own), .exact(let text)), (.prefix(let own), .prefix(let text)):
            text.utf8.starts(with: own.utf8)
        case (.suffix(let own), .exact(let text)), (.suffix(let own), .suffix(let text)):
            text.utf8.reversed().starts(with: own.utf8.reversed())
        default: self == other
        }
    }
}
