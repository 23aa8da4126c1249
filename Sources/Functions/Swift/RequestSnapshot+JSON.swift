import PenstockBytes
import PenstockHTTP

/// The whole event as a value: what ``EventEncoder`` writes, from a request that is over.
extension RequestSnapshot {
    var json: JSONValue {
        let event = Event(self)
        let context = event.requestContext
        var json = JSONObject()
        json["version"] = "2.0"
        json["trigger_event"] = "http_request"
        json["routeKey"] = .string(context.routeKey)
        json["rawPath"] = .string(event.rawPath)
        json["rawQueryString"] = .string(event.rawQueryString)
        if !cookies.isEmpty, !cookieTexts.isEmpty { json["cookies"] = .array(cookieTexts.map { .string($0) }) }
        json["headers"] = .object(JSONObject(headerTexts.map { .init(key: $0.0, value: .string($0.1)) }))
        json["queryStringParameters"] = Self.object(QueryText.parameters(bytes(query)))
        json["pathParameters"] = Self.object(
            zip(route.parameterNames, parameters).map { ($0, text($1)) }
        )
        json["requestContext"] = context.json
        if let body = event.body { json["body"] = .string(body) }
        json["isBase64Encoded"] = .bool(event.isBase64Encoded)
        return .object(json)
    }

    /// What would be empty is absent.
    private static func object(_ members: [(String, String)]) -> JSONValue? {
        guard !members.isEmpty else { return nil }
        return .object(JSONObject(members.map { .init(key: $0.0, value: .string($0.1)) }))
    }

    /// Each `name=value` of all `Cookie` fields.
    var cookieTexts: [String] {
        var texts: [String] = []
        for slice in cookies {
            for cookie in bytes(slice).split(separator: ASCII.semicolon) {
                let trimmed = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: cookie))
                if !trimmed.isEmpty { texts.append(String(decoding: trimmed, as: UTF8.self)) }
            }
        }
        return texts
    }

    /// When the request came, as the common log format has it.
    var time: String {
        var time = EventTime()
        return String(decoding: time.text(Int(wallNanoseconds / 1_000_000_000)), as: UTF8.self)
    }
}

extension Event.RequestContext {
    fileprivate var json: JSONValue {
        [
            "accountId": .string(accountID),
            "apiId": .string(apiID),
            "authentication": nil,
            "domainName": .string(domainName),
            "domainPrefix": .string(domainPrefix),
            "http": [
                "method": .string(http.method),
                "path": .string(http.path),
                "protocol": .string(http.protocol),
                "sourceIp": .string(http.sourceIP),
                "userAgent": .string(http.userAgent),
            ],
            "requestId": .string(requestID),
            "routeKey": .string(routeKey),
            "stage": .string(stage),
            "time": .string(time),
            "timeEpoch": .number(timeEpoch),
        ]
    }
}

/// Decodes a query into texts; ``QueryParameters`` is what writes it into an event's JSON, by the same rules.
enum QueryText {
    /// The parameters in the order of their first occurrence; the values of a repeated name are joined with `,`.
    static func parameters(_ query: UnsafeRawBufferPointer) -> [(String, String)] {
        var parameters: [(String, String)] = []
        var places: [String: Int] = [:]
        for part in query.split(separator: 0x26) {
            let end = part.firstIndex(of: ASCII.equals)
            let name = decode(part[..<(end ?? part.endIndex)])
            let value = end.map { decode(part[($0 + 1)...]) } ?? ""
            guard end != nil || !name.isEmpty else { continue }
            if let place = places[name] {
                parameters[place].1 += "," + value
            } else {
                places[name] = parameters.count
                parameters.append((name, value))
            }
        }
        return parameters
    }

    /// Escapes, and `+` for a space (WHATWG URL §5.1).
    private static func decode(_ text: Slice<UnsafeRawBufferPointer>) -> String {
        var spaced = ByteBuffer()
        for byte in text { spaced.append(byte == 0x2B ? ASCII.space : byte) }
        var decoded = ByteBuffer()
        decoded.append(percentDecoding: spaced.readable)
        return String(decoding: decoded.readable, as: UTF8.self)
    }
}
