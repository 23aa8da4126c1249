internal import PenstockBytes

/// What the `Connection` fields of a message say (RFC 9110 §7.6.1).
struct ConnectionOptions {
    /// Whether `close` is there.
    private(set) var closes = false

    /// Whether `keep-alive` is there.
    private(set) var keepsAlive = false

    /// Names that a client may not take out of its own request by nominating them.
    private static let kept = FieldNameSet.hopByHop.union(.forwarding).union(
        FieldNameSet(
            .host,
            .authorization,
            .cookie,
            .contentLength,
            .contentType,
            .contentEncoding,
            .xRequestID,
            .traceparent,
            .via,
            .date,
            .server,
            .setCookie
        )
    )

    /// Reads the fields, and marks the ones that they nominate as ``FieldName/nominated``.
    ///
    /// - Parameters:
    ///   - fields: the fields of a message.
    ///   - limit: how many options there may be, because each is looked for among all fields.
    /// - Returns: `nil` where there are more.
    static func take(from fields: FieldBlock, limit: Int) -> ConnectionOptions? {
        var options = ConnectionOptions()
        guard fields.present.has(.connection) else { return options }
        var count = 0
        for index in 0..<fields.count where fields[index].id == .connection {
            var list = ListElements(fields.value(fields[index]))
            while let option = list.next() {
                count += 1
                guard count <= limit else { return nil }
                options.take(option, fields)
            }
        }
        return options
    }

    private mutating func take(_ option: UnsafeRawBufferPointer, _ fields: FieldBlock) {
        if FieldBlock.matches(option, "close") {
            closes = true
        } else if FieldBlock.matches(option, "keep-alive") {
            keepsAlive = true
        } else if !Self.kept.has(FieldName(option)) {
            for index in 0..<fields.count where FieldBlock.areSameNames(fields.name(fields[index]), option) {
                fields.mark(index, as: .nominated)
            }
        }
    }

    /// Whether the connection persists behind a message of this minor version (RFC 9112 §9.3).
    func persists(minorVersion: Int) -> Bool { !closes && (minorVersion > 0 || keepsAlive) }
}

extension FieldNameSet {
    /// Fields that are meant for the next hop only, and are never forwarded (RFC 9110 §7.6.1), the nominated included.
    public static let hopByHop = FieldNameSet(
        .connection,
        .keepAlive,
        .proxyConnection,
        .transferEncoding,
        .te,
        .trailer,
        .upgrade,
        .http2Settings,
        .proxyAuthenticate,
        .proxyAuthorization,
        .nominated
    )

    /// Fields in which a peer says who the client is: taken from trusted peers only (trust.md).
    public static let forwarding = FieldNameSet(
        .forwarded,
        .xForwardedFor,
        .xForwardedHost,
        .xForwardedProto,
        .xForwardedOther,
        .xRealIP,
        .xOriginalURL,
        .xRewriteURL,
        .xPenstock
    )

    /// Fields of a request that no function and no upstream gets as they came, whoever sent them: those of one hop, and
    /// those that the gateway takes out or writes itself (trust.md).
    public static let neverForwarded = hopByHop.union(
        FieldNameSet(.expect, .underscored, .xOriginalURL, .xRewriteURL, .xPenstock, .xRequestID, .xForwardedFor)
    )
}

extension FieldBlock {
    /// Whether a list in the fields with this name has `element`, which is in lower case (RFC 9110 §5.6.1).
    public func contains(_ id: FieldName, element: StaticString) -> Bool {
        guard present.has(id) else { return false }
        for index in 0..<count where self[index].id == id {
            var list = ListElements(value(self[index]))
            while let one = list.next() {
                if Self.matches(one, element) { return true }
            }
        }
        return false
    }

    /// What `Keep-Alive` says of the time that an idle connection is kept, `timeout=5` (RFC 2068 §19.7.1.1), in seconds.
    var keepAliveSeconds: Int? {
        let name: StaticString = "timeout="
        var seconds: Int?
        for index in 0..<count where self[index].id == .keepAlive {
            var list = ListElements(value(self[index]))
            while let element = list.next() {
                guard element.count > name.utf8CodeUnitCount else { continue }
                let cut = name.utf8CodeUnitCount
                guard Self.matches(UnsafeRawBufferPointer(rebasing: element[..<cut]), name),
                    let length = FramingRules.length(UnsafeRawBufferPointer(rebasing: element[cut...]))
                else { continue }
                seconds = min(seconds ?? length, length)
            }
        }
        return seconds
    }

    /// Whether two names are the same, whatever their case.
    static func areSameNames(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count else { return false }
        for index in 0..<one.count where ASCII.lowercased(one[index]) != ASCII.lowercased(other[index]) { return false }
        return true
    }
}
