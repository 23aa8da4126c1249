extension JSONParser {
    /// Reads a string, from its opening quote to behind its closing one (RFC 8259 §7).
    mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        try skipPlain()
        if next == ASCII.quote {
            position += 1
            return String(decoding: bytes[start..<position - 1], as: UTF8.self)
        }
        var units = Array(bytes[start..<position])
        while true {
            guard take(ASCII.backslash) else { throw unexpected() }
            try appendEscape(to: &units)
            let from = position
            try skipPlain()
            units.append(contentsOf: bytes[from..<position])
            if take(ASCII.quote) { return String(decoding: units, as: UTF8.self) }
        }
    }

    /// Goes on to the next quote or backslash, checking that all before it is UTF-8 without control bytes.
    private mutating func skipPlain() throws(JSONError) {
        while let byte = next {
            if byte == ASCII.quote || byte == ASCII.backslash { return }
            guard byte >= 0x20 else { throw failure(.controlByteInString) }
            if byte < 0x80 {
                position += 1
                continue
            }
            guard case .valid(let count) = UTF8Sequence.measure(UnsafeRawBufferPointer(rebasing: bytes[position...]))
            else { throw failure(.invalidUTF8) }
            position += count
        }
        throw failure(.unexpectedEnd)
    }

    /// Reads what follows a backslash.
    private mutating func appendEscape(to units: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw failure(.unexpectedEnd) }
        position += 1
        switch byte {
        case ASCII.quote, ASCII.backslash, ASCII.slash: units.append(byte)
        case 0x62: units.append(0x08)
        case 0x66: units.append(0x0C)
        case 0x6E: units.append(ASCII.lineFeed)
        case 0x72: units.append(ASCII.carriageReturn)
        case 0x74: units.append(ASCII.tab)
        case 0x75: units.append(contentsOf: String(try parseScalar()).utf8)
        default:
            position -= 1
            throw failure(.malformedEscape)
        }
    }

    /// Reads the digits of `\uXXXX`, and of the second half of a pair.
    private mutating func parseScalar() throws(JSONError) -> Character {
        let start = position - 2
        let first = try parseHex()
        if let scalar = UnicodeScalar(first) { return Character(scalar) }
        let unpaired = JSONError(offset: start, reason: .unpairedSurrogate)
        guard first < 0xDC00 else { throw unpaired }
        guard let backslash = next else { throw failure(.unexpectedEnd) }
        guard backslash == ASCII.backslash else { throw unpaired }
        position += 1
        guard let letter = next else { throw failure(.unexpectedEnd) }
        guard letter == 0x75 else { throw unpaired }
        position += 1
        let second = try parseHex()
        guard 0xDC00...0xDFFF ~= second,
            let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw unpaired }
        return Character(scalar)
    }

    private mutating func parseHex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next else { throw failure(.unexpectedEnd) }
            guard let digit = ASCII.hexValue(byte) else { throw failure(.malformedEscape) }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
