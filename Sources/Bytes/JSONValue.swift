/// A JSON value (RFC 8259), for configuration, tests and answers that are read once; not for the path of a request.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)

    /// A number, as it was written: nothing is lost of `1e400` or of 64-bit identifiers.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads one JSON text.
    ///
    /// - Parameters:
    ///   - bytes: the whole text, UTF-8 without a byte order mark.
    ///   - depth: how deep arrays and objects may nest.
    /// - Throws: ``JSONError`` for everything that RFC 8259 does not allow, and for unpaired surrogates.
    public init(parsing bytes: RawSpan, depth: Int = 200) throws(JSONError) {
        self = try bytes.withUnsafeBytes { (raw) throws(JSONError) in
            try JSONValue(parsing: raw, depth: depth)
        }
    }

    /// Reads one JSON text, as ``init(parsing:depth:)-swift.init`` does.
    public init(parsing bytes: UnsafeRawBufferPointer, depth: Int = 200) throws(JSONError) {
        var parser = JSONParser(bytes: bytes, depth: depth)
        self = try parser.parseText()
    }

    /// Reads one JSON text, as ``init(parsing:depth:)-swift.init`` does.
    public init(parsing text: String, depth: Int = 200) throws(JSONError) {
        let units = Array(text.utf8)
        try self.init(parsing: units.span.bytes, depth: depth)
    }
}

extension JSONValue {
    /// The value of a member, if this is an object that has it.
    public subscript(_ key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The element at `index`, if this is an array that is long enough.
    public subscript(_ index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    /// The text, if this is a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The truth value, if this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The number, if this is one that was written as an integer and fits.
    public var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }

    /// The number, rounded to the nearest that a Double holds.
    public var double: Double? { if case .number(let text) = self { Double(text) } else { nil } }

    /// The elements, if this is an array.
    public var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// The members, if this is an object.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// A number from an integer.
    public static func number(_ value: Int) -> JSONValue { .number(String(value)) }

    /// A number from a Double; what is not finite has no JSON form and becomes `null`.
    public static func number(_ value: Double) -> JSONValue { value.isFinite ? .number("\(value)") : .null }

    /// This value as JSON on one line, without spaces.
    public var jsonText: String {
        var buffer = ByteBuffer()
        var writer = JSONWriter()
        write(with: &writer, to: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    /// Writes this value as the next one of `writer`.
    public func write(with writer: inout JSONWriter, to buffer: inout ByteBuffer) {
        switch self {
        case .null: writer.null(&buffer)
        case .bool(let value): writer.bool(value, &buffer)
        case .number(let text):
            writer.separate(&buffer)
            buffer.append(text)
        case .string(let text): writer.string(text, &buffer)
        case .array(let elements):
            writer.beginArray(&buffer)
            for element in elements { element.write(with: &writer, to: &buffer) }
            writer.endArray(&buffer)
        case .object(let object):
            writer.beginObject(&buffer)
            for member in object.members {
                writer.key(member.key, &buffer)
                member.value.write(with: &writer, to: &buffer)
            }
            writer.endObject(&buffer)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .number(String(value)) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(nilLiteral: ()) { self = .null }

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }
}
