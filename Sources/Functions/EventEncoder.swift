public import PenstockBytes
internal import PenstockHTTP
public import PenstockTransport

/// Writes requests as the events that functions are given: API Gateway's payload format 2.0 (`event: apigateway_v2`).
///
/// One a loop and route; it keeps the scratch memory that it needs, so that an event costs no allocation. To AWS's
/// members it adds `trigger_event: "http_request"`. Where AWS leaves room, this is what is written:
/// - `rawPath` is the normalised path, escapes and all, as the upstream of another route would get it;
/// - members that would be empty (`cookies`, `queryStringParameters`, `pathParameters`, `body`) are absent;
/// - `headers` are what an upstream gets: fields for one hop, those that only trusted peers may set, and names with `_`
///   are taken out, and `x-forwarded-for`, `-proto`, `-port` and `x-request-id` are ours (trust.md).
public final class EventEncoder {
    /// The inside of the JSON string `routeKey`; of several methods, only what follows the method.
    private let routeKey: [UInt8]

    /// The route's methods, where it has more than one: the request's own then stands in `routeKey`.
    private let methods: [String]

    /// `"name":"` of every path parameter.
    private let parameterKeys: [[UInt8]]

    private var time = EventTime()
    private var query = QueryParameters()
    @exclusivity(unchecked) private var scratch = ByteBuffer()

    /// Prepares for the requests of one route.
    ///
    /// - Parameters:
    ///   - path: the route's path as it is written, `/users/{id}`; `nil` where it has none.
    ///   - methods: the route's methods; empty where it takes all.
    ///   - parameterNames: the names of the path's parameters, as ``Route/parameterNames``.
    public init(path: String?, methods: [String] = [], parameterNames: [String] = []) {
        self.methods = methods.count > 1 ? methods : []
        routeKey = Self.inside(Self.routeKey(path, methods))
        parameterKeys = parameterNames.map { [ASCII.quote] + Self.inside($0) + Array("\":\"".utf8) }
    }

    static func routeKey(_ path: String?, _ methods: [String]) -> String {
        guard let path else { return "$default" }
        switch methods.count {
        case 0: return isCatchAll(path) ? "$default" : "ANY \(path)"
        case 1: return "\(methods[0]) \(path)"
        default: return " \(path)"
        }
    }

    /// Whether `path` is `/{name*}`, which takes every path there is: AWS calls such a route `$default`.
    private static func isCatchAll(_ path: String) -> Bool {
        path.hasPrefix("/{") && path.hasSuffix("*}") && !path.dropFirst().contains("/")
    }

    private static func inside(_ text: String) -> [UInt8] {
        var buffer = ByteBuffer()
        var json = JSONWriter()
        json.string(text, &buffer)
        return Array(buffer.readable.dropFirst().dropLast())
    }

    /// Appends the event.
    ///
    /// - Parameters:
    ///   - exchange: the request.
    ///   - body: the whole body.
    ///   - wallNanoseconds: when the request came, since 1970.
    ///   - output: what the JSON text is appended to.
    public func encode(
        _ exchange: Exchange,
        body: UnsafeRawBufferPointer,
        wallNanoseconds: Int64,
        to output: inout ByteBuffer
    ) {
        let head = exchange.head
        output.append("{\"version\":\"2.0\",\"trigger_event\":\"http_request\",\"routeKey\":\"")
        writeRouteKey(head, &output)
        output.append("\",\"rawPath\":\"")
        output.append(escaping: head.path)
        output.append("\",\"rawQueryString\":\"")
        if let query = head.query { output.append(escaping: query) }
        output.append(ASCII.quote)
        EventFields.writeCookies(head.fields, &output)
        EventFields.writeHeaders(exchange, bodyLength: body.count, &output)
        if let query = head.query { self.query.write(query, to: &output) }
        writePathParameters(exchange, &output)
        writeContext(exchange, wallNanoseconds, &output)
        writeBody(body, head.fields, &output)
        output.append("}")
    }

    /// A HEAD that falls back to a route for GET has that route's key.
    private func writeRouteKey(_ head: RequestHead, _ output: inout ByteBuffer) {
        if !methods.isEmpty {
            let fallsBack = head.method == .head && !methods.contains("HEAD")
            if fallsBack { output.append("GET") } else { output.append(head.methodName) }
        }
        routeKey.withUnsafeBytes { output.append($0) }
    }

    private func writePathParameters(_ exchange: Exchange, _ output: inout ByteBuffer) {
        guard !parameterKeys.isEmpty, exchange.parameters.count == parameterKeys.count else { return }
        let path = exchange.head.routedPath
        output.append(",\"pathParameters\":{")
        for index in parameterKeys.indices {
            if index > 0 { output.append(ASCII.comma) }
            parameterKeys[index].withUnsafeBytes { output.append($0) }
            let value = UnsafeRawBufferPointer(rebasing: path[exchange.parameters[index]])
            if value.contains(ASCII.percent) {
                scratch.removeAll()
                scratch.append(percentDecoding: value)
                output.append(escaping: scratch.readable)
            } else {
                output.append(escaping: value)
            }
            output.append(ASCII.quote)
        }
        output.append("}")
    }

    private func writeContext(_ exchange: Exchange, _ wallNanoseconds: Int64, _ output: inout ByteBuffer) {
        let head = exchange.head
        output.append(",\"requestContext\":{\"accountId\":\"123456789012\",\"apiId\":\"penstock\",")
        output.append("\"authentication\":null,\"domainName\":\"")
        writeDomain(hostWithoutPort(head.authority), &output)
        output.append("\",\"http\":{\"method\":\"")
        output.append(head.methodName)
        output.append("\",\"path\":\"")
        output.append(escaping: head.path)
        if head.minorVersion > 0 {
            output.append("\",\"protocol\":\"HTTP/1.1\",\"sourceIp\":\"")
        } else {
            output.append("\",\"protocol\":\"HTTP/1.0\",\"sourceIp\":\"")
        }
        output.append(escaping: exchange.clientAddress)
        output.append("\",\"userAgent\":\"")
        if let agent = head.fields.first(.userAgent) { output.append(escaping: agent) }
        output.append("\"},\"requestId\":\"")
        output.append(exchange.requestID)
        output.append("\",\"routeKey\":\"")
        writeRouteKey(head, &output)
        output.append("\",\"stage\":\"$default\",\"time\":\"")
        output.append(time.text(Int(wallNanoseconds / 1_000_000_000)))
        output.append("\",\"timeEpoch\":")
        output.append(decimal: Int(wallNanoseconds / 1_000_000))
        output.append("}")
    }

    /// Writes the host in lower case, and its first label as `domainPrefix`; an IPv6 address is all one label.
    private func writeDomain(_ host: UnsafeRawBufferPointer, _ output: inout ByteBuffer) {
        output.append(lowercasing: host)
        output.append("\",\"domainPrefix\":\"")
        let end = host.firstIndex(of: ASCII.dot) ?? host.count
        output.append(lowercasing: UnsafeRawBufferPointer(rebasing: host[..<end]))
    }

    private func writeBody(_ body: UnsafeRawBufferPointer, _ fields: FieldBlock, _ output: inout ByteBuffer) {
        guard !body.isEmpty else { return output.append(",\"isBase64Encoded\":false") }
        output.append(",\"body\":\"")
        if EventFields.describeText(fields), UTF8Sequence.isValid(body) {
            output.append(escaping: body)
            output.append("\",\"isBase64Encoded\":false")
        } else {
            Base64.encode(body, to: &output)
            output.append("\",\"isBase64Encoded\":true")
        }
    }
}
