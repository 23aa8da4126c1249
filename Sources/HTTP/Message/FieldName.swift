/// The fields that the gateway itself looks at, as small numbers; every other name is ``other``.
///
/// A parser gives each field its name's number once, so that the rest of the house compares bytes, not texts.
public struct FieldName: RawRepresentable, Hashable, Sendable {
    /// 0...63, so that a ``FieldNameSet`` is one word.
    public let rawValue: UInt8

    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A name that the gateway has no use for.
    public static let other = FieldName(rawValue: 0)
    public static let host = FieldName(rawValue: 1)
    public static let connection = FieldName(rawValue: 2)
    public static let keepAlive = FieldName(rawValue: 3)
    public static let proxyConnection = FieldName(rawValue: 4)
    public static let transferEncoding = FieldName(rawValue: 5)
    public static let te = FieldName(rawValue: 6)
    public static let trailer = FieldName(rawValue: 7)
    public static let upgrade = FieldName(rawValue: 8)
    public static let http2Settings = FieldName(rawValue: 9)
    public static let contentLength = FieldName(rawValue: 10)
    public static let contentType = FieldName(rawValue: 11)
    public static let contentEncoding = FieldName(rawValue: 12)
    public static let expect = FieldName(rawValue: 13)
    public static let date = FieldName(rawValue: 14)
    public static let server = FieldName(rawValue: 15)
    public static let cookie = FieldName(rawValue: 16)
    public static let setCookie = FieldName(rawValue: 17)
    public static let authorization = FieldName(rawValue: 18)
    public static let proxyAuthenticate = FieldName(rawValue: 19)
    public static let proxyAuthorization = FieldName(rawValue: 20)
    public static let forwarded = FieldName(rawValue: 21)
    public static let xForwardedFor = FieldName(rawValue: 22)
    public static let xForwardedHost = FieldName(rawValue: 23)
    public static let xForwardedProto = FieldName(rawValue: 24)
    /// Any other `x-forwarded-*`.
    public static let xForwardedOther = FieldName(rawValue: 25)
    public static let xRealIP = FieldName(rawValue: 26)
    public static let xOriginalURL = FieldName(rawValue: 27)
    public static let xRewriteURL = FieldName(rawValue: 28)
    /// Any `x-penstock-*`.
    public static let xPenstock = FieldName(rawValue: 29)
    public static let xRequestID = FieldName(rawValue: 30)
    public static let via = FieldName(rawValue: 31)
    public static let userAgent = FieldName(rawValue: 32)
    public static let accept = FieldName(rawValue: 33)
    public static let acceptEncoding = FieldName(rawValue: 34)
    public static let origin = FieldName(rawValue: 35)
    public static let location = FieldName(rawValue: 36)
    public static let eTag = FieldName(rawValue: 37)
    public static let ifNoneMatch = FieldName(rawValue: 38)
    public static let ifModifiedSince = FieldName(rawValue: 39)
    public static let lastModified = FieldName(rawValue: 40)
    public static let range = FieldName(rawValue: 41)
    public static let cacheControl = FieldName(rawValue: 42)
    public static let retryAfter = FieldName(rawValue: 43)
    public static let allow = FieldName(rawValue: 44)
    public static let traceparent = FieldName(rawValue: 45)
    public static let secFetchSite = FieldName(rawValue: 46)
    public static let secWebSocketKey = FieldName(rawValue: 47)
    public static let secWebSocketAccept = FieldName(rawValue: 48)
    /// A name with `_` in it, which WSGI and CGI cannot tell from one with `-` (trust.md).
    public static let underscored = FieldName(rawValue: 49)
    /// Set by a client's `Connection` field: this field is meant for the next hop only (RFC 9110 §7.6.1).
    public static let nominated = FieldName(rawValue: 50)
    /// Taken out of its block; skipped by everything.
    public static let removed = FieldName(rawValue: 63)
}

/// A set of ``FieldName`` in one word.
public struct FieldNameSet: OptionSet, Sendable {
    public let rawValue: UInt64

    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The set of one name, which needs no array.
    @inlinable public init(_ name: FieldName) { rawValue = 1 << UInt64(name.rawValue & 63) }

    @inlinable public init(_ names: FieldName...) {
        var bits: UInt64 = 0
        for name in names { bits |= 1 << UInt64(name.rawValue & 63) }
        rawValue = bits
    }

    /// Whether `name` is in the set.
    @inlinable public func has(_ name: FieldName) -> Bool { rawValue & (1 << UInt64(name.rawValue & 63)) != 0 }
}
