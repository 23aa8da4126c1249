import PenstockBytes

/// Makes a ``JSONValue`` of `Encodable` values, without Foundation.
struct JSONValueEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey]

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// What `value` is in JSON.
    ///
    /// - Throws: `EncodingError` for numbers that are not finite, and what the value's `encode(to:)` throws.
    static func encode(_ value: some Encodable) throws -> JSONValue { try node(value, at: []).value }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.becomeObject()
        return KeyedEncodingContainer(KeyedNodeContainer(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.becomeArray()
        return UnkeyedNodeContainer(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleNodeContainer(node: node, codingPath: codingPath)
    }

    fileprivate static func node(_ value: some Encodable, at path: [any CodingKey]) throws -> JSONNode {
        if let json = value as? JSONValue { return JSONNode(json) }
        guard let primitive = value as? any JSONPrimitive else {
            let node = JSONNode()
            try value.encode(to: JSONValueEncoder(node: node, codingPath: path))
            return node
        }
        guard let json = primitive.jsonValue else {
            let context = EncodingError.Context(codingPath: path, debugDescription: "JSON has no form for \(value)")
            throw EncodingError.invalidValue(value, context)
        }
        return JSONNode(json)
    }
}

/// A value that is still being written: containers are handed out before what is in them is known.
final class JSONNode {
    private enum Content {
        case value(JSONValue)
        case array([JSONNode])
        case object([(key: String, node: JSONNode)])
    }

    private var content: Content

    /// An encoder that writes nothing has written an empty object, as in Foundation.
    init() { content = .object([]) }

    init(_ value: JSONValue) { content = .value(value) }

    var value: JSONValue {
        switch content {
        case .value(let value): value
        case .array(let nodes): .array(nodes.map(\.value))
        case .object(let members): .object(JSONObject(members.map { .init(key: $0.key, value: $0.node.value) }))
        }
    }

    var count: Int { if case .array(let nodes) = content { nodes.count } else { 0 } }

    func becomeObject() { if case .object = content {} else { content = .object([]) } }

    func becomeArray() { if case .array = content {} else { content = .array([]) } }

    func become(_ other: JSONNode) { content = other.content }

    func append(_ node: JSONNode) {
        guard case .array(var nodes) = content else { return }
        content = .array([])  // lets go of the second reference, or every append would copy
        nodes.append(node)
        content = .array(nodes)
    }

    func set(_ key: String, _ node: JSONNode) {
        guard case .object(var members) = content else { return }
        content = .object([])
        members.append((key, node))
        content = .object(members)
    }
}

private struct SingleNodeContainer: SingleValueEncodingContainer {
    let node: JSONNode
    let codingPath: [any CodingKey]

    func encodeNil() { node.become(JSONNode(.null)) }

    func encode<T: Encodable>(_ value: T) throws { node.become(try JSONValueEncoder.node(value, at: codingPath)) }
}

private struct KeyedNodeContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: JSONNode
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) { node.set(key.stringValue, JSONNode(.null)) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        node.set(key.stringValue, try JSONValueEncoder.node(value, at: codingPath + [key]))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }

    func superEncoder() -> any Encoder { nested(JSONKey.parent) }

    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

    private func nested(_ key: any CodingKey) -> JSONValueEncoder {
        let child = JSONNode()
        node.set(key.stringValue, child)
        return JSONValueEncoder(node: child, codingPath: codingPath + [key])
    }
}

private struct UnkeyedNodeContainer: UnkeyedEncodingContainer {
    let node: JSONNode
    let codingPath: [any CodingKey]

    var count: Int { node.count }

    func encodeNil() { node.append(JSONNode(.null)) }

    func encode<T: Encodable>(_ value: T) throws {
        node.append(try JSONValueEncoder.node(value, at: codingPath + [JSONKey(index: count)]))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }

    func superEncoder() -> any Encoder { nested() }

    private func nested() -> JSONValueEncoder {
        let child = JSONNode()
        let path = codingPath + [JSONKey(index: count)]
        node.append(child)
        return JSONValueEncoder(node: child, codingPath: path)
    }
}
