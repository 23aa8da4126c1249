/// A place in the configuration: file, line and column; lines and columns are counted from 1, columns in characters.
public struct Position: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    /// 0 for the file that was named, then the included ones in their order.
    public var file: Int

    public init(line: Int, column: Int, file: Int = 0) {
        self.line = line
        self.column = column
        self.file = file
    }

    /// The place of what is written nowhere: a default.
    public static let unwritten = Position(line: 0, column: 0)

    public static func < (left: Position, right: Position) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }

    /// `12:7`.
    public var description: String { "\(line):\(column)" }
}

/// A value, and where in the file it was written.
public struct Located<Value> {
    public var value: Value
    public var position: Position

    public init(_ value: Value, at position: Position) {
        self.value = value
        self.position = position
    }

    /// A value that nobody wrote.
    public static func unwritten(_ value: Value) -> Located { Located(value, at: .unwritten) }

    /// Whether the file says it, rather than the defaults.
    public var isWritten: Bool { position != .unwritten }

    func map<Other>(_ transform: (Value) -> Other) -> Located<Other> { Located<Other>(transform(value), at: position) }
}

/// What has a place, whatever it is.
protocol Placed {
    var position: Position { get }
}

extension Located: Placed {}
extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}
extension Located: CustomStringConvertible {
    public var description: String { "\(value)" }
}

/// A text that is never printed: its descriptions are redacted, ``reveal()`` alone gives it.
public struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    public init(_ text: String) { self.text = text }

    /// The text itself, for the one who is meant to have it.
    public func reveal() -> String { text }

    public var description: String { "[redacted]" }
    public var debugDescription: String { "[redacted]" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
