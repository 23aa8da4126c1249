import PenstockBytes

/// What a function answers.
///
/// ```swift
/// Response(statusCode: 200, body: "Hello")
/// Response(statusCode: 303, headers: ["location": "/orders/7"])
/// try Response.json(order, statusCode: 201)
/// ```
/// The gateway computes `content-length`, and adds `date`, `server` and `x-request-id`. Fields for one hop
/// (`connection`, `transfer-encoding`, ...) are left out. A status outside 200...599, a field's name that is no token, or
/// a value with a control byte makes the answer 502 and a line in the log.
public struct Response: Sendable {
    /// The body of a response.
    public enum Body: Sendable {
        case none
        case text(String)
        case bytes([UInt8])
    }

    /// 200...599.
    public var statusCode: Int

    /// The fields; without `content-type`, a text is `text/plain; charset=utf-8`, bytes are `application/octet-stream`.
    public var headers: Headers

    /// Each becomes a `set-cookie` field: `id=7; HttpOnly`.
    public var cookies: [String]

    /// The body; not sent with 204 and 304, nor in answer to HEAD.
    public var body: Body

    /// A response with a text, or without a body.
    public init(statusCode: Int = 200, headers: Headers = [:], cookies: [String] = [], body: String? = nil) {
        self.statusCode = statusCode
        self.headers = headers
        self.cookies = cookies
        self.body = body.map { .text($0) } ?? .none
    }

    /// A response with bytes.
    public init(statusCode: Int = 200, headers: Headers = [:], cookies: [String] = [], body: [UInt8]) {
        self.statusCode = statusCode
        self.headers = headers
        self.cookies = cookies
        self.body = .bytes(body)
    }

    /// A response with a value as JSON, `application/json` unless `headers` says another type.
    ///
    /// - Parameters:
    ///   - value: what to encode; a ``JSONValue`` is written as it is. Dates, URLs and the like are encoded as their own
    ///     `encode(to:)` says.
    ///   - statusCode: 200...599.
    ///   - headers: more fields.
    ///   - cookies: each becomes a `set-cookie` field.
    /// - Returns: the response.
    /// - Throws: `EncodingError` for numbers that JSON has no form for (infinity, NaN).
    public static func json(
        _ value: some Encodable,
        statusCode: Int = 200,
        headers: Headers = [:],
        cookies: [String] = []
    ) throws -> Response {
        var response = Response(
            statusCode: statusCode,
            headers: headers,
            cookies: cookies,
            body: try JSONValueEncoder.encode(value).jsonText
        )
        if headers["content-type"] == nil { response.headers["content-type"] = "application/json" }
        return response
    }

    /// The fields of a response, in order; a name may occur more than once.
    public struct Headers: Sendable, ExpressibleByDictionaryLiteral, Sequence {
        private var fields: [(name: String, value: String)] = []

        /// No fields.
        public init() {}

        /// The fields of a dictionary, sorted by name.
        public init(_ fields: [String: String]) {
            self.fields = fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }

        public init(dictionaryLiteral fields: (String, String)...) {
            self.fields = fields.map { ($0.0, $0.1) }
        }

        /// The first value of a field, its name in any case; setting it replaces all of them, `nil` removes them.
        public subscript(name: String) -> String? {
            get { fields.first { Self.isSame($0.name, name) }?.value }
            set {
                let place = fields.firstIndex { Self.isSame($0.name, name) } ?? fields.count
                fields.removeAll { Self.isSame($0.name, name) }
                if let newValue { fields.insert((name, newValue), at: place) }
            }
        }

        /// Adds a field behind those that are there, of the same name, too.
        public mutating func append(_ name: String, _ value: String) { fields.append((name, value)) }

        public func makeIterator() -> Array<(name: String, value: String)>.Iterator { fields.makeIterator() }

        private static func isSame(_ one: String, _ other: String) -> Bool {
            one == other || one.lowercased() == other.lowercased()
        }
    }
}
