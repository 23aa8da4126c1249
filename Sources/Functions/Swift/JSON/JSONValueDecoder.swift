import PenstockBytes

/// Makes `Decodable` values of a ``JSONValue``, without Foundation.
///
/// Numbers are decoded from their digits, so nothing is lost of 64-bit identifiers. Dates, URLs and the like decode as
/// their own `init(from:)` says.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ value: JSONValue, at path: [any CodingKey] = []) {
        self.value = value
        codingPath = path
    }

    /// The value as a `T`.
    ///
    /// - Throws: `DecodingError`.
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if let value = value as? T, type == JSONValue.self { return value }
        guard let primitive = type as? any JSONPrimitive.Type else { return try T(from: self) }
        guard let result = primitive.init(json: value) as? T else { throw mismatch(type) }
        return result
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let object = value.object else { throw mismatch([String: JSONValue].self) }
        return KeyedDecodingContainer(KeyedJSONContainer(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let elements = value.array else { throw mismatch([JSONValue].self) }
        return UnkeyedJSONContainer(elements: elements, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SingleJSONContainer(decoder: self, codingPath: codingPath)
    }

    private func mismatch(_ type: Any.Type) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath,
            debugDescription: "expected \(Self.name(type)), found \(value.kindName)"
        )
        return value == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    private static func name(_ type: Any.Type) -> String {
        if type is [JSONValue].Type { return "an array" }
        return type is [String: JSONValue].Type ? "an object" : "\(type)"
    }
}

extension JSONValue {
    /// What kind of value it is, in words; a number with its digits, because it may be of the right kind and too large.
    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number(let text): "the number \(text.prefix(40))"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A single generic method stands for the fourteen that each of these protocols asks for.
private struct SingleJSONContainer: SingleValueDecodingContainer {
    let decoder: JSONValueDecoder
    let codingPath: [any CodingKey]

    func decodeNil() -> Bool { decoder.value == .null }

    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}

private struct KeyedJSONContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let codingPath: [any CodingKey]

    /// The members by key where there are many: a hostile object must not cost quadratic time.
    private let index: [String: JSONValue]?

    init(object: JSONObject, codingPath: [any CodingKey]) {
        self.object = object
        self.codingPath = codingPath
        index =
            object.members.count > 16
            ? Dictionary(uniqueKeysWithValues: object.members.map { ($0.key, $0.value) }) : nil
    }

    var allKeys: [Key] { object.members.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { member(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).value == .null }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        JSONValueDecoder(member(JSONKey.parent) ?? .null, at: codingPath + [JSONKey.parent])
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        JSONValueDecoder(member(key) ?? .null, at: codingPath + [key])
    }

    private func decoder(_ key: Key) throws -> JSONValueDecoder {
        guard let value = member(key) else {
            throw DecodingError.keyNotFound(
                key,
                .init(codingPath: codingPath, debugDescription: "no member '\(key.stringValue)'")
            )
        }
        return JSONValueDecoder(value, at: codingPath + [key])
    }

    private func member(_ key: any CodingKey) -> JSONValue? {
        index.map { $0[key.stringValue] } ?? object[key.stringValue]
    }
}

private struct UnkeyedJSONContainer: UnkeyedDecodingContainer {
    let elements: [JSONValue]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(elements: [JSONValue], codingPath: [any CodingKey]) {
        self.elements = elements
        self.codingPath = codingPath
    }

    var count: Int? { elements.count }

    var isAtEnd: Bool { currentIndex == elements.count }

    mutating func decodeNil() throws -> Bool {
        let isNull = try next(Never?.self).value == .null
        if isNull { currentIndex += 1 }
        return isNull
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let result = try next(type).decode(type)
        currentIndex += 1
        return result
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let container = try next([String: JSONValue].self).container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try next([JSONValue].self).unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try next((any Decoder).self)
        currentIndex += 1
        return decoder
    }

    /// The next element, which is taken only when it has been decoded.
    private func next(_ type: Any.Type) throws -> JSONValueDecoder {
        let path = codingPath + [JSONKey(index: currentIndex)]
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(type, .init(codingPath: path, debugDescription: "the array ends before"))
        }
        return JSONValueDecoder(elements[currentIndex], at: path)
    }
}
