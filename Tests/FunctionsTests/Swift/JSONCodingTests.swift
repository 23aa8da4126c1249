import PenstockBytes
import PenstockFunctions
import Testing

@Suite("Codable values in events and responses")
struct JSONCodingTests {
    @Test
    func `a value goes into a response and comes out of an event`() throws {
        let order = Order.sample
        let response = try Response.json(order)
        #expect(try decode(Order.self, text(response)) == order)
    }

    @Test
    func `JSON is written in the order of the members, without what is nil`() throws {
        let response = try Response.json(Order.sample)
        #expect(
            text(response) == """
                {"item":"tea \\"\u{e9}\\"","count":3,"price":0.5,"tags":["a","b"],"size":"large",\
                "nested":{"deep":[[1,2],[]]},"big":18446744073709551615,"isPaid":true}
                """
        )
        #expect(response.headers["content-type"] == "application/json")
    }

    @Test(arguments: Refused.cases)
    func `what does not fit is an error that names the place`(_ row: Refused) {
        let error = #expect(throws: DecodingError.self) { try decode(Order.self, row.json) }
        let context: DecodingError.Context? =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            default: nil
            }
        #expect(context?.codingPath.map(\.stringValue) == row.path)
        #expect(context?.debugDescription.contains(row.says) == true, "\(context?.debugDescription ?? "")")
    }

    @Test
    func `a body that is not JSON is an error that names the byte`() {
        let error = #expect(throws: JSONError.self) { try decode(Order.self, "{\"item\":") }
        #expect(error?.reason == .unexpectedEnd)
    }

    @Test(arguments: [("[1.0,1e2,-0]", [1, 100, 0]), ("[9007199254740993]", [9_007_199_254_740_993])])
    func `integers are exact, however they are written`(_ json: String, _ expected: [Int]) throws {
        #expect(try decode([Int].self, json) == expected)
    }

    @Test(arguments: ["[1.5]", "[1e300]", "[\"1\"]", "[true]", "[null]", "[9223372036854775808]"])
    func `what is no integer is not made one`(_ json: String) {
        #expect(throws: DecodingError.self) { try decode([Int].self, json) }
    }

    @Test
    func `dictionaries, optionals and any JSON decode`() throws {
        #expect(try decode([String: Int?].self, "{\"a\":1,\"b\":null}") == ["a": 1, "b": nil])
        #expect(try decode(JSONValue.self, "{\"a\":[1,null]}") == ["a": [1, nil]])
        #expect(try decode(Wrapper.self, "{\"value\":{\"x\":[true]}}").value == ["x": [true]])
        #expect(
            try text(.json(Wrapper(value: ["x": [.number(1.5), nil, "y"]]))) == "{\"value\":{\"x\":[1.5,null,\"y\"]}}"
        )
    }

    @Test
    func `an object of many members costs linear time`() throws {
        let members = (0..<50_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try decode([String: Int].self, "{\(members)}").count == 50_000)
    }

    @Test
    func `classes with a parent decode and encode`() throws {
        let child = try decode(Child.self, "{\"own\":1,\"super\":{\"base\":2}}")
        #expect(child.own == 1 && child.base == 2)
        #expect(try text(.json(child)) == "{\"own\":1,\"super\":{\"base\":2}}")
    }

    @Test(arguments: [Double.nan, .infinity])
    func `numbers that JSON has no form for are refused`(_ value: Double) {
        #expect(throws: EncodingError.self) { try Response.json(["x": value]) }
    }

    private func decode<T: Decodable>(_ type: T.Type, _ json: String) throws -> T {
        try Event(json: ["body": .string(json)]).decode(type)
    }

    private func text(_ response: Response) -> String { if case .text(let text) = response.body { text } else { "" } }
}

private struct Order: Codable, Equatable {
    enum Size: String, Codable { case small, large }

    struct Nested: Codable, Equatable { var deep: [[Int]] }

    var item: String
    var count: UInt8
    var price: Float
    var note: String?
    var tags: [String]
    var size: Size
    var nested: Nested
    var big: UInt64
    var isPaid: Bool

    static let sample = Order(
        item: "tea \"\u{e9}\"",
        count: 3,
        price: 0.5,
        tags: ["a", "b"],
        size: .large,
        nested: Nested(deep: [[1, 2], []]),
        big: .max,
        isPaid: true
    )
}

private struct Wrapper: Codable { var value: JSONValue }

private class Base: Codable {
    var base = 0
}

private final class Child: Base {
    let own: Int

    private enum Keys: CodingKey { case own }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        own = try container.decode(Int.self, forKey: .own)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(own, forKey: .own)
        try super.encode(to: container.superEncoder())
    }
}

/// A body that is no order, and what the error says.
struct Refused: Sendable, CustomTestStringConvertible {
    let json: String
    let path: [String]
    let says: String
    var testDescription: String { json }

    private static func order(_ name: String, _ value: String) -> String {
        var members = [
            "item": "\"x\"", "count": "1", "price": "1", "tags": "[]", "size": "\"small\"", "nested": "{\"deep\":[]}",
            "big": "1", "isPaid": "false",
        ]
        members[name] = value.isEmpty ? nil : value
        return "{" + members.map { "\"\($0)\":\($1)" }.sorted().joined(separator: ",") + "}"
    }

    static let cases: [Refused] = [
        .init(json: order("item", ""), path: [], says: "no member 'item'"),
        .init(json: order("item", "null"), path: ["item"], says: "expected String, found null"),
        .init(json: order("item", "1"), path: ["item"], says: "expected String, found the number 1"),
        .init(json: order("count", "256"), path: ["count"], says: "expected UInt8, found the number 256"),
        .init(json: order("count", "-1"), path: ["count"], says: "expected UInt8, found the number -1"),
        .init(json: order("price", "\"1\""), path: ["price"], says: "expected Float, found a string"),
        .init(json: order("isPaid", "0"), path: ["isPaid"], says: "expected Bool, found the number 0"),
        .init(json: order("tags", "{}"), path: ["tags"], says: "expected an array, found an object"),
        .init(json: order("tags", "[\"a\",1]"), path: ["tags", "1"], says: "expected String, found the number 1"),
        .init(json: order("nested", "[]"), path: ["nested"], says: "expected an object, found an array"),
        .init(json: order("nested", "{\"deep\":[[true]]}"), path: ["nested", "deep", "0", "0"], says: "a boolean"),
        .init(json: order("size", "\"huge\""), path: ["size"], says: "huge"),
        .init(json: "[]", path: [], says: "expected an object, found an array"),
        .init(json: "null", path: [], says: "expected an object, found null"),
    ]
}
