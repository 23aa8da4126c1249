/// Why the answer of an upstream was refused: 502 to the client, and the connection is of no use any more.
public enum ResponseError: Error, Equatable, Sendable {
    /// Not `HTTP-version SP status-code SP [reason-phrase] CRLF` (RFC 9112 §4).
    case malformedStatusLine

    /// A version other than 1.x.
    case unsupportedVersion

    /// A status outside of 100...599 (RFC 9110 §15).
    case malformedStatus

    /// Longer than ``HeadLimits/head``, or a status line longer than ``HeadLimits/requestLine``.
    case headTooLarge

    /// More than ``HeadLimits/fields``.
    case tooManyFields

    /// A field line that is malformed.
    case field(FieldFault)

    /// A body whose end is not certain.
    case framing(FramingFault)

    /// The reason in a few words, for the log.
    public var reason: StaticString {
        switch self {
        case .malformedStatusLine: "a malformed status line"
        case .unsupportedVersion: "an HTTP version other than 1.x"
        case .malformedStatus: "a malformed status code"
        case .headTooLarge: "a head that is too large"
        case .tooManyFields: "too many fields"
        case .field(let fault): fault.reason
        case .framing(let fault): fault.reason
        }
    }
}
