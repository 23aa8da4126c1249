internal import PenstockBytes
internal import PenstockHTTP
internal import PenstockTransport

/// What an event says of a request's fields.
enum EventFields {
    /// Never shown as headers; cookies have a place of their own in the event.
    static let always = FieldNameSet.neverForwarded.union(FieldNameSet(.removed, .cookie))
    static let untrusted = always.union(.forwarding)

    // MARK: Headers

    /// Writes `headers`: names in lower case, the values of a repeated name joined with `,`.
    static func writeHeaders(_ exchange: Exchange, bodyLength: Int, _ output: inout ByteBuffer) {
        let fields = exchange.head.fields
        let isTrusted = exchange.connection?.isTrusted ?? false
        let excluded = isTrusted ? always : untrusted
        output.append(",\"headers\":{")
        let repeated = repeatedMarks(fields, excluded)
        for index in 0..<fields.count {
            let field = fields[index]
            guard !excluded.has(field.id) else { continue }
            let name = fields.name(field)
            let mayRepeat = repeated & mark(name) != 0
            if mayRepeat, hasOccurred(name, before: index, fields, excluded) { continue }
            output.append(ASCII.quote)
            output.append(lowercasing: name)
            output.append("\":\"")
            output.append(escaping: fields.value(field))
            if mayRepeat { joinRest(name, after: index, fields, excluded, &output) }
            output.append("\",")
        }
        writeOurs(exchange, isTrusted, bodyLength, &output)
        output.append("}")
    }

    /// A bit that depends on a name but not on its case; two names with the same bit may be the same.
    @inline(__always) private static func mark(_ name: UnsafeRawBufferPointer) -> UInt64 {
        let ends = UInt64(name[0] | 0x20) &+ UInt64(name[name.count &- 1] | 0x20) &* 5
        return 1 << ((ends &+ UInt64(name.count) &* 11) & 63)
    }

    /// The bits of names that may occur more than once, so that the usual request compares no names.
    private static func repeatedMarks(_ fields: FieldBlock, _ excluded: FieldNameSet) -> UInt64 {
        var seen: UInt64 = 0
        var repeated: UInt64 = 0
        for index in 0..<fields.count {
            let field = fields[index]
            guard !excluded.has(field.id) else { continue }
            let mark = mark(fields.name(field))
            repeated |= seen & mark
            seen |= mark
        }
        return repeated
    }

    private static func hasOccurred(
        _ name: UnsafeRawBufferPointer,
        before end: Int,
        _ fields: FieldBlock,
        _ excluded: FieldNameSet
    ) -> Bool {
        for index in 0..<end where !excluded.has(fields[index].id) {
            if areSame(fields.name(fields[index]), name) { return true }
        }
        return false
    }

    private static func joinRest(
        _ name: UnsafeRawBufferPointer,
        after start: Int,
        _ fields: FieldBlock,
        _ excluded: FieldNameSet,
        _ output: inout ByteBuffer
    ) {
        for index in start + 1..<fields.count where !excluded.has(fields[index].id) {
            guard areSame(fields.name(fields[index]), name) else { continue }
            output.append(ASCII.comma)
            output.append(escaping: fields.value(fields[index]))
        }
    }

    private static func areSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count else { return false }
        for index in 0..<one.count where ASCII.lowercased(one[index]) != ASCII.lowercased(other[index]) { return false }
        return true
    }

    /// Writes the fields that are ours (trust.md): who asked, how, and under which id.
    private static func writeOurs(
        _ exchange: Exchange,
        _ isTrusted: Bool,
        _ bodyLength: Int,
        _ output: inout ByteBuffer
    ) {
        let fields = exchange.head.fields
        // A chunked body has been collected: now its length is known.
        if exchange.body == .stream {
            output.append("\"content-length\":\"")
            output.append(decimal: bodyLength)
            output.append("\",")
        }
        output.append("\"x-forwarded-for\":\"")
        if isTrusted, fields.present.has(.xForwardedFor) {
            for index in 0..<fields.count where fields[index].id == .xForwardedFor {
                output.append(escaping: fields.value(fields[index]))
                output.append(", ")
            }
        }
        guard let connection = exchange.connection else { return output.append("\"") }
        output.append(connection.peerText)
        if !isTrusted || !hasForwardedPort(fields) {
            output.append("\",\"x-forwarded-port\":\"")
            writePort(exchange, connection, &output)
        }
        if !isTrusted || !fields.present.has(.xForwardedProto) {
            output.append("\",\"x-forwarded-proto\":\"")
            output.append(connection.scheme)
        }
        output.append("\",\"x-request-id\":\"")
        output.append(exchange.requestID)
        output.append(ASCII.quote)
    }

    static func hasForwardedPort(_ fields: FieldBlock) -> Bool {
        guard fields.present.has(.xForwardedOther) else { return false }
        for index in 0..<fields.count where fields[index].id == .xForwardedOther {
            if fields.name(fields[index]).isLowercased("x-forwarded-port") { return true }
        }
        return false
    }

    /// Writes the port that the client asked for.
    static func writePort(_ exchange: Exchange, _ connection: ConnectionInfo, _ output: inout ByteBuffer) {
        let authority = exchange.head.authority
        var start = authority.count
        while start > 0, ASCII.isDigit(authority[start &- 1]) { start &-= 1 }
        if start > 0, start < authority.count, authority[start &- 1] == ASCII.colon {
            output.append(UnsafeRawBufferPointer(rebasing: authority[start...]))
        } else {
            output.append(isHTTPS(exchange.head.fields, connection) ? "443" : "80")
        }
    }

    /// Whether the client came by TLS, to us or to a trusted proxy.
    private static func isHTTPS(_ fields: FieldBlock, _ connection: ConnectionInfo) -> Bool {
        if connection.isTrusted, let scheme = fields.first(.xForwardedProto) { return scheme.isLowercased("https") }
        return connection.scheme.utf8CodeUnitCount == 5
    }

    // MARK: Cookies

    /// Writes `cookies`: each `name=value` of all `Cookie` fields; nothing where there are none.
    static func writeCookies(_ fields: FieldBlock, _ output: inout ByteBuffer) {
        guard fields.present.has(.cookie) else { return }
        var isFirst = true
        for index in 0..<fields.count where fields[index].id == .cookie {
            let value = fields.value(fields[index])
            var start = 0
            while start < value.count {
                var end = start
                while end < value.count, value[end] != ASCII.semicolon { end &+= 1 }
                let cookie = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: value[start..<end]))
                start = end &+ 1
                guard !cookie.isEmpty else { continue }
                if isFirst { output.append(",\"cookies\":[\"") } else { output.append(",\"") }
                isFirst = false
                output.append(escaping: cookie)
                output.append(ASCII.quote)
            }
        }
        if !isFirst { output.append("]") }
    }

    // MARK: Content

    /// Whether the body may stand in the event as text: one of the types that AWS takes for text, without a coding.
    static func describeText(_ fields: FieldBlock) -> Bool {
        guard fields.first(.contentEncoding) == nil, let value = fields.first(.contentType) else { return false }
        let end = value.firstIndex(of: ASCII.semicolon) ?? value.count
        let type = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: value[..<end]))
        return type.starts(withLowercased: "text/") || type.ends(withLowercased: "+json")
            || type.isLowercased("application/json") || type.isLowercased("application/x-www-form-urlencoded")
            || type.isLowercased("application/xml") || type.isLowercased("application/javascript")
    }
}
