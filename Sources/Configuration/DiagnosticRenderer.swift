internal import PenstockBytes

extension Diagnostic {
    /// The first line of what is printed: `routes.yaml:12:7: error: unknown key 'fuction' in a route`.
    public var summary: String {
        let place = position == .unwritten ? file : "\(file):\(position)"
        return "\(place): \(severity.rawValue): \(sentence)"
    }

    /// Message and hint.
    var sentence: String { hint.map { "\(message); \($0)" } ?? message }

    /// What is printed: the summary, the line of the file, and a caret below the place.
    ///
    /// - Parameters:
    ///   - source: the file; `nil` leaves the line out.
    ///   - colour: whether a terminal shows it that knows ANSI colours.
    /// - Returns: one or three lines, each with its end.
    public func rendered(in source: SourceText?, colour: Bool = false) -> String {
        var text = colour ? colouredSummary : summary
        text += "\n"
        guard let line = source?.line(line), let quote = Quote(line, column: column) else { return text }
        text += quote.text + "\n" + quote.padding
        text += colour ? "\u{1B}[1;32m^\u{1B}[0m\n" : "^\n"
        return text
    }

    private var colouredSummary: String {
        let place = position == .unwritten ? file : "\(file):\(position)"
        let shade =
            switch severity {
            case .error: "31"
            case .warning: "35"
            case .note: "36"
            }
        return "\u{1B}[1m\(place): \u{1B}[1;\(shade)m\(severity.rawValue):\u{1B}[0m\u{1B}[1m \(sentence)\u{1B}[0m"
    }
}

/// A line of the file as a terminal may show it, and the space before the caret.
private struct Quote {
    /// How much of a long line is shown, in characters.
    private static let width = 120

    private(set) var text = ""
    private(set) var padding = ""

    init?(_ line: String, column: Int) {
        guard column >= 1 else { return nil }
        let start = column > Self.width ? column - Self.width / 2 : 0
        if start > 0 { (text, padding) = ("...", "   ") }
        for (index, scalar) in line.unicodeScalars.enumerated() where index >= start {
            guard index < start + Self.width else {
                text += "..."
                break
            }
            let isControl = scalar.properties.generalCategory == .control || scalar.isBidirectionalControl
            text.unicodeScalars.append(isControl && scalar != "\t" ? "\u{FFFD}" : scalar)
            if index < column - 1 { padding += Self.space(under: scalar) }
        }
    }

    /// As many blanks as a terminal gives the character.
    private static func space(under scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0x09: "\t"
        case 0x0300...0x036F, 0x200B...0x200D, 0xFE00...0xFE0F, 0xFEFF: ""
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            "  "
        default: " "
        }
    }
}

extension Sequence where Element == Diagnostic {
    /// Whether the file cannot be served.
    public var hasErrors: Bool { contains { $0.severity == .error } }

    /// In the order of the file, errors before notes of the same place.
    public func sortedByPlace() -> [Diagnostic] {
        sorted { ($0.position, $0.severity.order, $0.message) < ($1.position, $1.severity.order, $1.message) }
    }

    /// All of them as they are printed.
    ///
    /// - Parameters:
    ///   - sources: the files that they quote, by their numbers.
    ///   - colour: whether a terminal shows them that knows ANSI colours.
    /// - Returns: the text, empty where there are none.
    public func rendered(in sources: [SourceText], colour: Bool = false) -> String {
        map { diagnostic in
            let number = diagnostic.position.file
            return diagnostic.rendered(in: sources.indices.contains(number) ? sources[number] : nil, colour: colour)
        }.joined()
    }
}

extension Diagnostic.Severity {
    fileprivate var order: Int {
        switch self {
        case .error: 0
        case .warning: 1
        case .note: 2
        }
    }
}
