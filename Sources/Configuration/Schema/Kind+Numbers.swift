internal import PenstockBytes

extension Kind {
    /// A whole number, decimal; with a minus where the range has such numbers.
    static func integer(_ range: ClosedRange<Int>) -> ValueKind<Int> {
        parsed(
            "number, \(range.lowerBound) to \(range.upperBound)",
            "a number",
            schema: variable(
                or: ["type": "integer", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)],
                quoted: range.lowerBound > 0
                    ? "[1-9][0-9]*" : range.lowerBound == 0 ? "0|[1-9][0-9]*" : "0|-?[1-9][0-9]*"
            ),
            show: { .number($0) },
            parse: { (text) throws(Complaint) in
                let number = try decimal(text, range)
                guard range.contains(number) else {
                    throw Complaint("is out of range: \(range.lowerBound) to \(range.upperBound)")
                }
                return number
            }
        )
    }

    /// A duration: `250ms`, `3s`, `5m`, `1h`.
    static func duration(_ range: ClosedRange<Duration> = .milliseconds(1) ... .hours(24 * 365)) -> ValueKind<Duration>
    {
        let bounds = "\(range.lowerBound.written) to \(range.upperBound.written)"
        return parsed(
            range.upperBound < .hours(24 * 365) ? "duration, \(bounds)" : "duration",
            "a duration such as 3s",
            schema: quantity("ms|s|m|h", orZero: range.lowerBound == .zero),
            show: { .string($0.written) },
            parse: { (text) throws(Complaint) in
                let duration = try Duration.parse(text)
                guard duration >= range.lowerBound else {
                    throw Complaint("is too short: at least \(range.lowerBound.written)")
                }
                guard duration <= range.upperBound else {
                    throw Complaint("is too long: at most \(range.upperBound.written)")
                }
                return duration
            }
        )
    }

    /// A number of bytes: `4096B`, `64KiB`, `10MiB`, `1GiB`.
    static func size(_ range: ClosedRange<Int>) -> ValueKind<Int> {
        let bounds = "\(Size.written(range.lowerBound)) to \(Size.written(range.upperBound))"
        return parsed(
            "size, \(bounds)",
            "a size such as 64KiB",
            schema: range.lowerBound == 0 ? ["anyOf": [sizes(orZero: true), ["const": 0]]] : sizes(orZero: false),
            show: { .string(Size.written($0)) },
            parse: { (text) throws(Complaint) in
                // Nothing is nothing, in every unit.
                if text == "0", range.lowerBound == 0 { return 0 }
                let size = try Size.parse(text)
                guard range.contains(size) else { throw Complaint("is out of range: \(bounds)") }
                return size
            }
        )
    }

    private static func sizes(orZero: Bool) -> JSONValue {
        let own = quantity("B|KiB|MiB|GiB", orZero: orZero)
        return orZero ? ["anyOf": [own, ["const": "0"]]] : own
    }

    /// A part of a hundred: `20%`.
    static func percent(_ range: ClosedRange<Int>) -> ValueKind<Int> {
        let bounds = "\(range.lowerBound)% to \(range.upperBound)%"
        return parsed(
            "percentage, \(bounds)",
            "a percentage such as 20%",
            schema: variable(or: ["type": "string", "pattern": "^(0|[1-9][0-9]*)%$"]),
            show: { .string("\($0)%") },
            parse: { (text) throws(Complaint) in
                guard text.hasSuffix("%") else {
                    let hint = Int(text).map { "write '\($0)%'" }
                    throw Complaint("is not a percentage", hint: hint)
                }
                let number = try decimal(String(text.dropLast()), range)
                guard range.contains(number) else { throw Complaint("is out of range: \(bounds)") }
                return number
            }
        )
    }

    /// A whole number and its unit, for editors.
    private static func quantity(_ units: String, orZero: Bool) -> JSONValue {
        let pattern = "^[0-9]*\(orZero ? "[0-9]" : "[1-9]")[0-9]*(\(units))$"
        return variable(or: ["type": "string", "pattern": .string(pattern)])
    }

    private static func decimal(_ text: String, _ range: ClosedRange<Int>) throws(Complaint) -> Int {
        guard range.lowerBound < 0 || !text.isNegativeNumber else {
            throw Complaint("is out of range: \(range.lowerBound) to \(range.upperBound)")
        }
        let digits = text.isNegativeNumber ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(ASCII.isDigit) else { throw Complaint("is not a whole number") }
        guard text == "0" || !digits.hasPrefix("0") else {
            throw Complaint("begins with 0, which some readers take for octal", hint: "write the number without it")
        }
        guard let number = Int(text) else { throw Complaint("is out of range") }
        return number
    }
}
