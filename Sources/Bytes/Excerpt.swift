extension String {
    /// The text as it may stand in one line of a message: cut after 60 characters, control characters escaped.
    public var excerpt: String {
        var result = ""
        for (count, scalar) in unicodeScalars.enumerated() {
            guard count < 60 else { return result + "..." }
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.isBidirectionalControl {
                result += scalar == "\n" ? "\\n" : scalar == "\r" ? "\\r" : "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether it changes the order in which a terminal shows what follows.
    public var isBidirectionalControl: Bool {
        (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value) || [0x200E, 0x200F].contains(value)
    }
}
