internal import PenstockBytes

extension Duration {
    static func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
    static func hours(_ count: Int) -> Duration { .seconds(3600 * count) }

    /// The duration in nanoseconds; what is longer than 292 years is `Int64.max`.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carried ? .max : sum
    }

    /// As it is written in the file: `250ms`, `90s`, `24h`.
    public var written: String {
        let milliseconds = nanoseconds / 1_000_000
        if milliseconds % 1000 != 0 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1000
        return seconds > 3600 && seconds % 3600 == 0 ? "\(seconds / 3600)h" : "\(seconds)s"
    }

    /// Reads a whole number and its unit: `ms`, `s`, `m` or `h`.
    ///
    /// - Throws: ``Complaint`` where it is none.
    public static func parse(_ text: String) throws(Complaint) -> Duration {
        let quantity = try Quantity(text, kind: "a duration", example: "\(text)s")
        let milliseconds: Int
        switch quantity.unit {
        case "ms": milliseconds = 1
        case "s": milliseconds = 1000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        default: throw Complaint("is not a duration: its unit must be ms, s, m or h", hint: hint(for: quantity))
        }
        let (product, overflow) = quantity.number.multipliedReportingOverflow(by: milliseconds)
        guard !overflow, product <= 1 << 53 else { throw Complaint("is too long for a duration") }
        return .milliseconds(product)
    }

    private static func hint(for quantity: Quantity) -> String? {
        switch quantity.unit.lowercased() {
        case "sec", "secs", "second", "seconds": "write '\(quantity.number)s'"
        case "min", "mins", "minute", "minutes": "write '\(quantity.number)m'"
        case "hr", "hrs", "hour", "hours": "write '\(quantity.number)h'"
        case "d", "day", "days":
            quantity.number < 1_000_000 ? "write '\(24 * quantity.number)h'" : nil
        default: nil
        }
    }
}

/// Sizes in bytes.
public enum Size {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// As it is written in the file: `64KiB`.
    public static func written(_ bytes: Int) -> String {
        let unit = units.first { bytes != 0 && bytes % $0.bytes == 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    /// Reads a whole number and its unit: `B`, `KiB`, `MiB` or `GiB`.
    static func parse(_ text: String) throws(Complaint) -> Int {
        let quantity = try Quantity(text, kind: "a size", example: "\(text)B")
        guard let unit = units.first(where: { $0.name == quantity.unit }) else {
            let near = units.first { $0.name.first?.lowercased() == quantity.unit.first?.lowercased() }
            throw Complaint(
                "is not a size: its unit must be B, KiB, MiB or GiB",
                hint: near.map { "write '\(quantity.number)\($0.name)'" }
            )
        }
        let (product, overflow) = quantity.number.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow else { throw Complaint("is too large for a size") }
        return product
    }
}

/// A whole number and what follows it.
private struct Quantity {
    let number: Int
    let unit: String

    init(_ text: String, kind: String, example: String) throws(Complaint) {
        let digits = text.utf8.prefix(while: ASCII.isDigit)
        guard !text.isNegativeNumber else { throw Complaint("is less than nothing") }
        guard !digits.isEmpty else { throw Complaint("is not \(kind)") }
        guard let number = Int(String(Substring(digits))) else { throw Complaint("is too large for \(kind)") }
        let unit = String(Substring(text.utf8.dropFirst(digits.count)))
        guard !unit.isEmpty else { throw Complaint("is not \(kind): it has no unit", hint: "write '\(example)'") }
        guard !unit.hasPrefix(".") else { throw Complaint("is not \(kind): whole numbers only") }
        self.number = number
        self.unit = unit
    }
}

extension String {
    /// Whether it begins as a number below zero does: `-5s`.
    var isNegativeNumber: Bool { utf8.first == 0x2D && utf8.dropFirst().first.map(ASCII.isDigit) == true }
}
