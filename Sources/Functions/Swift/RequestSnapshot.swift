import PenstockBytes
import PenstockHTTP
import PenstockTransport

/// A request as an event keeps it: its bytes in one piece of memory, copied while the exchange has them.
///
/// Nothing is decoded and no text is made before somebody asks, so that a function pays for what it looks at.
final class RequestSnapshot: @unchecked Sendable {  // changes no more once it is made
    /// Where something lies in the bytes.
    struct Slice {
        let start: Int32
        let end: Int32
    }

    /// A field as the event shows it; the name is in lower case.
    struct Field {
        let name: Slice
        let value: Slice
    }

    let route: EventRoute
    let fields: [Field]
    let cookies: [Slice]
    let parameters: [Slice]
    let method: Slice
    let path: Slice
    let query: Slice
    let host: Slice
    let client: Slice
    let userAgent: Slice
    let requestID: Slice
    let minorVersion: Int
    let wallNanoseconds: Int64

    /// Whether the body stands in the event as text, and not as base64.
    let isText: Bool

    private let budget: BufferBudget
    private let reserved: Int
    private let bytes: ByteBuffer
    private let bodyBytes: ByteBuffer

    /// Copies a request.
    ///
    /// - Parameters:
    ///   - exchange: the request.
    ///   - route: what it was routed by.
    ///   - body: the whole body.
    ///   - budget: what all collected bodies share.
    ///   - reserved: what the body has taken of it; given back when nobody holds the request any more.
    ///   - wallNanoseconds: when the request came, since 1970.
    init(
        _ exchange: Exchange,
        route: EventRoute,
        body: consuming ByteBuffer,
        budget: BufferBudget,
        reserved: Int,
        wallNanoseconds: Int64
    ) {
        let head = exchange.head
        var writer = SnapshotWriter()
        fields = writer.takeFields(exchange, bodyLength: body.count)
        cookies = writer.takeCookies(head.fields)
        parameters = writer.takeParameters(exchange)
        method = writer.take(head.methodName)
        path = writer.take(head.path)
        query = writer.take(head.query ?? UnsafeRawBufferPointer(start: nil, count: 0))
        host = writer.take(lowercasing: hostWithoutPort(head.authority))
        client = writer.take(exchange.clientAddress)
        userAgent = writer.take(head.fields.first(.userAgent) ?? UnsafeRawBufferPointer(start: nil, count: 0))
        requestID = writer.take(exchange.requestID)
        bytes = writer.finish()
        isText = body.isEmpty || (EventFields.describeText(head.fields) && UTF8Sequence.isValid(body.readable))
        bodyBytes = body
        self.route = route
        self.budget = budget
        self.reserved = reserved
        self.wallNanoseconds = wallNanoseconds
        minorVersion = head.minorVersion
    }

    deinit { budget.giveBack(reserved) }

    /// The body, valid as long as this object.
    var body: UnsafeRawBufferPointer { bodyBytes.readable }

    /// The bytes of a slice, valid as long as this object.
    func bytes(_ slice: Slice) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes.readable[Int(slice.start)..<Int(slice.end)])
    }

    /// A slice as text; what is not UTF-8 is replaced.
    func text(_ slice: Slice) -> String { String(decoding: bytes(slice), as: UTF8.self) }
}

/// What the events of a route have in common.
final class EventRoute: Sendable {
    let path: String?
    let methods: [String]
    let parameterNames: [String]

    init(path: String?, methods: [String], parameterNames: [String]) {
        self.path = path
        self.methods = methods
        self.parameterNames = parameterNames
    }

    /// `routeKey` for a request with `method`.
    func key(method: String) -> String {
        let key = EventEncoder.routeKey(path, methods)
        guard methods.count > 1 else { return key }
        return (method == "HEAD" && !methods.contains("HEAD") ? "GET" : method) + key
    }
}

/// Gathers the bytes of a snapshot.
private struct SnapshotWriter: ~Copyable {
    private var bytes = ByteBuffer()

    init() { bytes.reserve(1024) }

    consuming func finish() -> ByteBuffer { bytes }

    mutating func take(_ source: UnsafeRawBufferPointer) -> RequestSnapshot.Slice {
        let start = bytes.count
        bytes.append(source)
        return slice(from: start)
    }

    mutating func take(lowercasing source: UnsafeRawBufferPointer) -> RequestSnapshot.Slice {
        let start = bytes.count
        bytes.append(lowercasing: source)
        return slice(from: start)
    }

    private func slice(from start: Int) -> RequestSnapshot.Slice {
        RequestSnapshot.Slice(start: Int32(start), end: Int32(bytes.count))
    }

    /// The fields that an event shows, and ours behind them (trust.md).
    mutating func takeFields(_ exchange: Exchange, bodyLength: Int) -> [RequestSnapshot.Field] {
        let source = exchange.head.fields
        let isTrusted = exchange.connection?.isTrusted ?? false
        let excluded = isTrusted ? EventFields.always : EventFields.untrusted
        var fields: [RequestSnapshot.Field] = []
        fields.reserveCapacity(source.count + 5)
        for index in 0..<source.count where !excluded.has(source[index].id) {
            let field = source[index]
            let name = take(lowercasing: source.name(field))
            fields.append(RequestSnapshot.Field(name: name, value: take(source.value(field))))
        }
        takeOurs(exchange, isTrusted, bodyLength, &fields)
        return fields
    }

    private mutating func takeOurs(
        _ exchange: Exchange,
        _ isTrusted: Bool,
        _ bodyLength: Int,
        _ fields: inout [RequestSnapshot.Field]
    ) {
        let source = exchange.head.fields
        if exchange.body == .stream {
            let name = take("content-length")
            let start = bytes.count
            bytes.append(decimal: bodyLength)
            fields.append(RequestSnapshot.Field(name: name, value: slice(from: start)))
        }
        let name = take("x-forwarded-for")
        let start = bytes.count
        if isTrusted { takeForwardedFor(source) }
        guard let connection = exchange.connection else { return }
        bytes.append(connection.peerText)
        fields.append(RequestSnapshot.Field(name: name, value: slice(from: start)))
        if !isTrusted || !EventFields.hasForwardedPort(source) {
            let name = take("x-forwarded-port")
            let start = bytes.count
            EventFields.writePort(exchange, connection, &bytes)
            fields.append(RequestSnapshot.Field(name: name, value: slice(from: start)))
        }
        if !isTrusted || !source.present.has(.xForwardedProto) {
            let name = take("x-forwarded-proto")
            fields.append(RequestSnapshot.Field(name: name, value: take(connection.scheme)))
        }
        fields.append(RequestSnapshot.Field(name: take("x-request-id"), value: take(exchange.requestID)))
    }

    /// What the proxies before us say, in front of the peer's own address.
    private mutating func takeForwardedFor(_ source: FieldBlock) {
        for index in 0..<source.count where source[index].id == .xForwardedFor {
            bytes.append(source.value(source[index]))
            bytes.append(", ")
        }
    }

    private mutating func take(_ text: StaticString) -> RequestSnapshot.Slice {
        take(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// The values of all `Cookie` fields, not cut up yet.
    mutating func takeCookies(_ source: FieldBlock) -> [RequestSnapshot.Slice] {
        guard source.present.has(.cookie) else { return [] }
        var cookies: [RequestSnapshot.Slice] = []
        for index in 0..<source.count where source[index].id == .cookie {
            cookies.append(take(source.value(source[index])))
        }
        return cookies
    }

    /// The decoded parameters of the path.
    mutating func takeParameters(_ exchange: Exchange) -> [RequestSnapshot.Slice] {
        let path = exchange.head.routedPath
        return exchange.parameters.map { range in
            let start = bytes.count
            bytes.append(percentDecoding: UnsafeRawBufferPointer(rebasing: path[range]))
            return slice(from: start)
        }
    }
}
