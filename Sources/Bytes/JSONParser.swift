/// Where and why a text is not JSON.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was wrong.
    public enum Reason: Equatable, Sendable {
        case unexpectedEnd
        case unexpectedByte(UInt8)
        case trailingBytes
        case tooDeep
        case malformedNumber
        case controlByteInString
        case malformedEscape
        case unpairedSurrogate
        case invalidUTF8
    }

    /// How many bytes stand before the place.
    public let offset: Int
    public let reason: Reason

    /// Names a place and what is wrong there.
    public init(offset: Int, reason: Reason) {
        self.offset = offset
        self.reason = reason
    }

    /// `a malformed number at byte 7`.
    public var description: String { "\(words) at byte \(offset)" }

    private var words: String {
        switch reason {
        case .unexpectedEnd: "the text ends too early"
        case .unexpectedByte(let byte) where byte > 0x20 && byte < 0x7F:
            "unexpected '\(Character(UnicodeScalar(byte)))'"
        case .unexpectedByte(let byte): "unexpected byte \(byte)"
        case .trailingBytes: "something follows the value"
        case .tooDeep: "arrays and objects nest too deep"
        case .malformedNumber: "a malformed number"
        case .controlByteInString: "a control byte in a string"
        case .malformedEscape: "a malformed escape"
        case .unpairedSurrogate: "an unpaired surrogate"
        case .invalidUTF8: "invalid UTF-8"
        }
    }
}

/// A strict recursive-descent reader of RFC 8259, over bytes that outlive it.
struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    var depth: Int
    var position = 0

    init(bytes: UnsafeRawBufferPointer, depth: Int) {
        self.bytes = bytes
        self.depth = depth
    }

    mutating func parseText() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw failure(.trailingBytes) }
        return value
    }

    func failure(_ reason: JSONError.Reason) -> JSONError { JSONError(offset: position, reason: reason) }

    func unexpected() -> JSONError {
        position < bytes.count ? failure(.unexpectedByte(bytes[position])) : failure(.unexpectedEnd)
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next,
            byte == ASCII.space || byte == ASCII.lineFeed || byte == ASCII.carriageReturn || byte == ASCII.tab
        {
            position += 1
        }
    }

    /// Takes `byte` if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        switch next {
        case 0x7B: return try nested { (parser) throws(JSONError) in try parser.parseObject() }
        case 0x5B: return try nested { (parser) throws(JSONError) in try parser.parseArray() }
        case ASCII.quote: return .string(try parseString())
        case .some(0x2D), .some(0x30...0x39): return .number(try parseNumber())
        case 0x74: return try parseWord("true", .bool(true))
        case 0x66: return try parseWord("false", .bool(false))
        case 0x6E: return try parseWord("null", .null)
        default: throw unexpected()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth > 0 else { throw failure(.tooDeep) }
        depth -= 1
        position += 1
        let value = try body(&self)
        depth += 1
        return value
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        var elements: [JSONValue] = []
        skipSpace()
        if take(0x5D) { return .array(elements) }
        while true {
            skipSpace()
            elements.append(try parseValue())
            skipSpace()
            if take(0x5D) { return .array(elements) }
            guard take(ASCII.comma) else { throw unexpected() }
        }
    }

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        var members: [JSONObject.Member] = []
        skipSpace()
        if take(0x7D) { return .object(JSONObject()) }
        while true {
            skipSpace()
            guard next == ASCII.quote else { throw unexpected() }
            let key = try parseString()
            skipSpace()
            guard take(ASCII.colon) else { throw unexpected() }
            skipSpace()
            members.append(JSONObject.Member(key: key, value: try parseValue()))
            skipSpace()
            if take(0x7D) { return .object(JSONObject(members)) }
            guard take(ASCII.comma) else { throw unexpected() }
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else { throw unexpected() }
        }
        return value
    }

    /// `[ minus ] int [ frac ] [ exp ]` (RFC 8259 §6).
    private mutating func parseNumber() throws(JSONError) -> String {
        let start = position
        _ = take(0x2D)
        if !take(ASCII.zero) { try takeDigits() }
        if take(ASCII.dot) { try takeDigits() }
        if take(0x65) || take(0x45) {
            if !take(0x2B) { _ = take(0x2D) }
            try takeDigits()
        }
        if let byte = next, ASCII.isDigit(byte) { throw failure(.malformedNumber) }  // 01
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func takeDigits() throws(JSONError) {
        guard let byte = next else { throw failure(.unexpectedEnd) }
        guard ASCII.isDigit(byte) else { throw failure(.malformedNumber) }
        while let byte = next, ASCII.isDigit(byte) { position += 1 }
    }
}
