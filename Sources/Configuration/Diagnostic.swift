/// Something that is wrong in a configuration file, or worth knowing about it.
public struct Diagnostic: Equatable, Sendable {
    /// How bad it is.
    public enum Severity: String, Sendable {
        /// The file cannot be served.
        case error
        /// It can, but probably does not do what was meant.
        case warning
        /// Something that was found out, such as the interpreter that a function will run in.
        case note
    }

    public var severity: Severity

    /// The file, as it was given.
    public var file: String

    /// Where in it; ``Position/unwritten`` where no place can be named.
    public var position: Position

    /// One line, beginning in lower case, without a full stop.
    public var message: String

    /// What to do about it, such as `did you mean 'function'?`.
    public var hint: String?

    public init(
        _ severity: Severity,
        file: String,
        at position: Position,
        _ message: String,
        hint: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.position = position
        self.message = message
        self.hint = hint
    }

    public var line: Int { position.line }
    public var column: Int { position.column }
}
