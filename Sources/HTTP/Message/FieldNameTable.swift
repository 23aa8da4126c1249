extension FieldName {
    /// The number of a valid name of any case; ``other`` where the gateway has no use for it.
    public init(_ name: UnsafeRawBufferPointer) {
        guard let base = name.baseAddress, !name.isEmpty else {
            self = .other
            return
        }
        self = name.contains(0x5F) ? .underscored : Self.known(base, name.count)
    }

    /// The number of a valid name of any case; ``other`` where the gateway has no use for it.
    public init(_ name: RawSpan) {
        self = name.withUnsafeBytes { FieldName($0) }
    }

    /// The number of a valid name without `_`, found by its length first, so that most names cost one jump.
    @inline(__always) static func known(_ base: UnsafeRawPointer, _ count: Int) -> FieldName {
        count < 11 ? knownShort(NameBytes(base: base), count) : knownLong(NameBytes(base: base), count)
    }

    private static func knownShort(_ name: NameBytes, _ count: Int) -> FieldName {
        switch count {
        case 2: name.is("te") ? .te : .other
        case 3: name.is("via") ? .via : .other
        case 4: name.is("host") ? .host : name.is("date") ? .date : name.is("etag") ? .eTag : .other
        case 5: name.is("range") ? .range : name.is("allow") ? .allow : .other
        case 6: known6(name)
        case 7: name.is("upgrade") ? .upgrade : name.is("trailer") ? .trailer : .other
        case 8: name.is("location") ? .location : .other
        case 9: name.is("forwarded") ? .forwarded : name.is("x-real-ip") ? .xRealIP : .other
        case 10: known10(name)
        default: .other
        }
    }

    @inline(__always) private static func known6(_ name: NameBytes) -> FieldName {
        if name.is("accept") { return .accept }
        if name.is("cookie") { return .cookie }
        if name.is("origin") { return .origin }
        if name.is("server") { return .server }
        return name.is("expect") ? .expect : .other
    }

    @inline(__always) private static func known10(_ name: NameBytes) -> FieldName {
        if name.is("user-agent") { return .userAgent }
        if name.is("connection") { return .connection }
        if name.is("keep-alive") { return .keepAlive }
        return name.is("set-cookie") ? .setCookie : .other
    }

    private static func knownLong(_ name: NameBytes, _ count: Int) -> FieldName {
        if let family = family(name, count) { return family }
        return switch count {
        case 11: name.is("retry-after") ? .retryAfter : name.is("traceparent") ? .traceparent : .other
        case 12: name.is("content-type") ? .contentType : name.is("x-request-id") ? .xRequestID : .other
        case 13: known13(name)
        case 14: known14(name)
        case 15: name.is("accept-encoding") ? .acceptEncoding : .other
        case 16:
            name.is("content-encoding") ? .contentEncoding : name.is("proxy-connection") ? .proxyConnection : .other
        case 17: known17(name)
        case 18: name.is("proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: name.is("proxy-authorization") ? .proxyAuthorization : .other
        case 20: name.is("sec-websocket-accept") ? .secWebSocketAccept : .other
        default: .other
        }
    }

    @inline(__always) private static func known13(_ name: NameBytes) -> FieldName {
        if name.is("authorization") { return .authorization }
        if name.is("cache-control") { return .cacheControl }
        if name.is("if-none-match") { return .ifNoneMatch }
        if name.is("last-modified") { return .lastModified }
        return name.is("x-rewrite-url") ? .xRewriteURL : .other
    }

    @inline(__always) private static func known14(_ name: NameBytes) -> FieldName {
        if name.is("content-length") { return .contentLength }
        if name.is("sec-fetch-site") { return .secFetchSite }
        if name.is("x-original-url") { return .xOriginalURL }
        return name.is("http2-settings") ? .http2Settings : .other
    }

    @inline(__always) private static func known17(_ name: NameBytes) -> FieldName {
        if name.is("transfer-encoding") { return .transferEncoding }
        if name.is("if-modified-since") { return .ifModifiedSince }
        return name.is("sec-websocket-key") ? .secWebSocketKey : .other
    }

    /// The number of `x-forwarded-*` and `x-penstock-*`, whatever follows.
    @inline(__always) private static func family(_ name: NameBytes, _ count: Int) -> FieldName? {
        guard name.is("x-") else { return nil }
        if name.is("x-penstock-") { return .xPenstock }
        guard count > 11, name.is("x-forwarded-") else { return nil }
        switch count {
        case 15: return name.is("x-forwarded-for") ? .xForwardedFor : .xForwardedOther
        case 16: return name.is("x-forwarded-host") ? .xForwardedHost : .xForwardedOther
        case 17: return name.is("x-forwarded-proto") ? .xForwardedProto : .xForwardedOther
        default: return .xForwardedOther
        }
    }
}

/// A name that is at least as long as what it is compared with.
private struct NameBytes {
    let base: UnsafeRawPointer

    /// Whether the name begins with `literal`, which is in lower case; whatever the name's case.
    ///
    /// With a literal all this is a few comparisons with constants. Setting 0x20 lowers letters and leaves digits and
    /// `-` alone; that it turns CR into `-` matters not, because CR is in no valid name.
    @inline(__always) func `is`(_ literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        let other = UnsafeRawPointer(literal.utf8Start)
        if count >= 8 {
            return word(other, 0, UInt64.self) && (count <= 16 || word(other, 8, UInt64.self))
                && (count == 8 || word(other, count &- 8, UInt64.self))
        }
        if count >= 4 { return word(other, 0, UInt32.self) && word(other, count &- 4, UInt32.self) }
        return word(other, 0, UInt16.self) && word(other, count &- 2, UInt16.self)
    }

    @inline(__always) private func word<Word: FixedWidthInteger>(
        _ other: UnsafeRawPointer,
        _ offset: Int,
        _ type: Word.Type
    ) -> Bool {
        let spaces = Word(truncatingIfNeeded: 0x2020_2020_2020_2020 as UInt64)
        return base.loadUnaligned(fromByteOffset: offset, as: type) | spaces
            == other.loadUnaligned(fromByteOffset: offset, as: type)
    }
}
