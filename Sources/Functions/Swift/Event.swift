public import PenstockBytes
package import PenstockTransport

/// What a function is called with: a request as API Gateway's payload format 2.0 shows it.
///
/// A value that may be kept and sent to other threads. Texts are made when they are asked for: ask once and keep what
/// is needed more than once. ``json`` is the whole event, as a Python or Node function would get it.
public struct Event: Sendable {
    enum Source: Sendable {
        case request(RequestSnapshot)
        case json(JSONValue)
    }

    let source: Source

    /// An event of any shape, from JSON: a recorded one, in a test; or one that is no request.
    public init(json: JSONValue) { source = .json(json) }

    init(_ snapshot: RequestSnapshot) { source = .request(snapshot) }

    /// The event of a request, for tests that hold it against what ``EventEncoder`` writes.
    package init(
        _ exchange: Exchange,
        path: String?,
        methods: [String],
        parameterNames: [String],
        body: [UInt8],
        wallNanoseconds: Int64
    ) {
        var buffer = ByteBuffer()
        body.withUnsafeBytes { buffer.append($0) }
        let snapshot = RequestSnapshot(
            exchange,
            route: EventRoute(path: path, methods: methods, parameterNames: parameterNames),
            body: buffer,
            budget: BufferBudget(limit: 0),
            reserved: 0,
            wallNanoseconds: wallNanoseconds
        )
        self.init(snapshot)
    }

    /// What happened: `http_request`; empty where the event does not say.
    public var triggerEvent: String {
        switch source {
        case .request: "http_request"
        case .json(let json): json["trigger_event"]?.string ?? ""
        }
    }

    /// The path, normalised, with its escapes: `/users/a%20b`.
    public var rawPath: String {
        switch source {
        case .request(let snapshot): snapshot.text(snapshot.path)
        case .json(let json): json["rawPath"]?.string ?? ""
        }
    }

    /// The query as the client wrote it, without `?`; empty where there is none.
    public var rawQueryString: String {
        switch source {
        case .request(let snapshot): snapshot.text(snapshot.query)
        case .json(let json): json["rawQueryString"]?.string ?? ""
        }
    }

    /// The query's parameters, decoded; the values of a repeated name are joined with `,`.
    public var queryStringParameters: [String: String] {
        switch source {
        case .request(let snapshot):
            Dictionary(uniqueKeysWithValues: QueryText.parameters(snapshot.bytes(snapshot.query)))
        case .json(let json): json["queryStringParameters"]?.texts ?? [:]
        }
    }

    /// The parameters of the route's path, decoded: `["id": "7"]` of `/users/{id}`.
    public var pathParameters: [String: String] {
        switch source {
        case .request(let snapshot):
            Dictionary(
                zip(snapshot.route.parameterNames, snapshot.parameters.map { snapshot.text($0) }),
                uniquingKeysWith: { $1 }
            )
        case .json(let json): json["pathParameters"]?.texts ?? [:]
        }
    }

    /// The request's fields, without cookies.
    public var headers: Headers { Headers(source: source) }

    /// The request's cookies, each `name=value`.
    public var cookies: [String] {
        switch source {
        case .request(let snapshot): snapshot.cookieTexts
        case .json(let json): json["cookies"]?.array?.compactMap(\.string) ?? []
        }
    }

    /// Who asked for what, and when.
    public var requestContext: RequestContext { RequestContext(source) }

    /// Whether ``body`` is base64: the body is no text by its type, has a coding, or is not UTF-8.
    public var isBase64Encoded: Bool {
        switch source {
        case .request(let snapshot): !snapshot.isText
        case .json(let json): json["isBase64Encoded"]?.bool ?? false
        }
    }

    /// The body as text, or as base64 where ``isBase64Encoded``; `nil` where there is none.
    public var body: String? {
        switch source {
        case .request(let snapshot):
            if snapshot.body.isEmpty {
                nil
            } else if snapshot.isText {
                String(decoding: snapshot.body, as: UTF8.self)
            } else {
                Self.base64(snapshot.body)
            }
        case .json(let json): json["body"]?.string
        }
    }

    /// The body's bytes as the client sent them; empty where there is none.
    public var bodyBytes: [UInt8] {
        switch source {
        case .request(let snapshot): Array(snapshot.body)
        case .json: isBase64Encoded ? Self.bytes(base64: body ?? "") : Array((body ?? "").utf8)
        }
    }

    /// The body, which is JSON, as a `Type`.
    ///
    /// ```swift
    /// struct Order: Decodable { var item: String; var count: Int? }
    /// let order = try event.decode(Order.self)
    /// ```
    /// Dates, URLs and the like decode as their own `init(from:)` says; there are no strategies as Foundation's
    /// JSONDecoder has them. A client's mistake is an error like any other: a function that lets it pass answers 502, so
    /// catch it where the client is to be told.
    ///
    /// - Parameter type: what to make of it; ``JSONValue`` for whatever comes.
    /// - Returns: the decoded value.
    /// - Throws: ``JSONError`` where the body is not JSON, `DecodingError` where it is of another shape.
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value: JSONValue =
            switch source {
            case .request(let snapshot): try JSONValue(parsing: snapshot.body)
            case .json: try JSONValue(parsing: bodyBytes.span.bytes)
            }
        return try JSONValueDecoder(value).decode(type)
    }

    /// The whole event.
    public var json: JSONValue {
        switch source {
        case .request(let snapshot): snapshot.json
        case .json(let json): json
        }
    }

    private static func base64(_ bytes: UnsafeRawBufferPointer) -> String {
        var buffer = ByteBuffer()
        Base64.encode(bytes, to: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    private static func bytes(base64 text: String) -> [UInt8] {
        var buffer = ByteBuffer()
        var text = text
        let isValid = text.withUTF8 { Base64.decode(UnsafeRawBufferPointer($0), to: &buffer) }
        return isValid ? Array(buffer.readable) : []
    }
}

extension JSONValue {
    /// The members of an object whose values are texts.
    var texts: [String: String]? {
        guard let members = object?.members else { return nil }
        var texts: [String: String] = [:]
        for member in members { texts[member.key] = member.value.string }
        return texts
    }
}
