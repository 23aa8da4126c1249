/// Why a request was refused before any handler saw it.
public enum RequestError: Error, Equatable, Sendable {
    /// Not `method SP request-target SP HTTP-version CRLF` (RFC 9112 §3), LF or CR alone included.
    case malformedRequestLine

    /// A target that is in none of the four forms, or has a byte that no target has (RFC 9112 §3.2).
    case malformedTarget

    /// A path that two servers may read differently.
    case path(PathFault)

    /// A well-formed version other than 1.x, the preface of HTTP/2 included.
    case unsupportedVersion

    /// Longer than ``HeadLimits/requestLine``.
    case requestLineTooLong

    /// Longer than ``HeadLimits/head``: a head or a trailer section.
    case headTooLarge

    /// More than ``HeadLimits/fields``.
    case tooManyFields

    /// A field line that is malformed.
    case field(FieldFault)

    /// A body whose end is not certain.
    case framing(FramingFault)

    /// No `Host` in HTTP/1.1 (RFC 9112 §3.2).
    case missingHost

    /// More than one `Host`, be they equal or not.
    case repeatedHost

    /// A `Host`, or an authority, that is not `host [":" port]`.
    case malformedHost

    /// A `Host` that names another authority than the target in absolute form does.
    case mismatchedHost

    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    case unsupportedExpectation

    /// A chunk that does not begin with a size, or does not end where its size says (RFC 9112 §7.1).
    case malformedChunk

    /// More than ``HeadLimits/chunkExtensions``.
    case chunkExtensionsTooLarge

    /// The status code that tells the client.
    public var status: Int {
        switch self {
        case .malformedRequestLine, .malformedTarget, .path, .field: 400
        case .missingHost, .repeatedHost, .malformedHost, .mismatchedHost, .malformedChunk: 400
        case .framing(.unsupportedTransferCoding): 501  // RFC 9112 §6.1
        case .framing: 400
        case .requestLineTooLong: 414
        case .headTooLarge, .tooManyFields: 431  // RFC 6585 §5
        case .chunkExtensionsTooLarge: 413
        case .unsupportedExpectation: 417
        case .unsupportedVersion: 505
        }
    }

    /// The reason in a few words, for the log; the client learns the status alone.
    public var reason: StaticString {
        switch self {
        case .malformedRequestLine: "a malformed request line"
        case .malformedTarget: "a malformed request target"
        case .path(let fault): fault.reason
        case .unsupportedVersion: "an HTTP version other than 1.x"
        case .requestLineTooLong: "a request line that is too long"
        case .headTooLarge: "a head that is too large"
        case .tooManyFields: "too many fields"
        case .field(let fault): fault.reason
        case .framing(let fault): fault.reason
        case .missingHost: "no Host"
        case .repeatedHost: "more than one Host"
        case .malformedHost: "a malformed Host"
        case .mismatchedHost: "a Host that is not the target's"
        case .unsupportedExpectation: "an unknown expectation"
        case .malformedChunk: "a malformed chunk"
        case .chunkExtensionsTooLarge: "chunk extensions that are too large"
        }
    }
}
