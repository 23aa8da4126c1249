/// What is wrong with the line of a field (RFC 9112 §5), in a request, a response or a trailer section.
///
/// Each is a line that two parsers may read differently, so it is refused and never repaired.
public enum FieldFault: UInt8, Error, Equatable, Sendable {
    /// A line without a colon.
    case noColon

    /// A colon with nothing before it.
    case emptyName

    /// A name with a byte that is not of a token (RFC 9110 §5.6.2).
    case malformedName

    /// White space between the name and the colon (RFC 9112 §5.1).
    case spaceBeforeColon

    /// A line that begins with white space: an obsolete line folding (RFC 9112 §5.2).
    case folded

    /// A control byte in a value (RFC 9110 §5.5).
    case controlByte

    /// CR that no LF follows (RFC 9112 §2.2).
    case bareCarriageReturn

    /// LF that follows no CR (RFC 9112 §2.2).
    case bareLineFeed

    /// The fault in a few words, for the log.
    public var reason: StaticString {
        switch self {
        case .noColon: "a field line without a colon"
        case .emptyName: "a field without a name"
        case .malformedName: "a field name that is not a token"
        case .spaceBeforeColon: "white space before a field's colon"
        case .folded: "a folded field line"
        case .controlByte: "a control byte in a field value"
        case .bareCarriageReturn: "CR without LF"
        case .bareLineFeed: "LF without CR"
        }
    }
}

/// What is wrong with how a message says where its body ends (RFC 9112 §6), in a request or a response.
public enum FramingFault: UInt8, Error, Equatable, Sendable {
    /// Not 1 to 18 digits.
    case malformedContentLength

    /// More than one, be they equal or not.
    case repeatedContentLength

    /// Both, the oldest way to make two peers disagree (RFC 9112 §6.1).
    case contentLengthWithTransferEncoding

    /// A list that is malformed, does not end in `chunked`, or has it twice.
    case malformedTransferEncoding

    /// More than one field.
    case repeatedTransferEncoding

    /// In a message of HTTP/1.0, which knows none (RFC 9112 §6.1).
    case transferEncodingInHTTP10

    /// A coding other than `chunked`, in front of it.
    case unsupportedTransferCoding

    /// The fault in a few words, for the log.
    public var reason: StaticString {
        switch self {
        case .malformedContentLength: "a malformed Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthWithTransferEncoding: "Content-Length and Transfer-Encoding"
        case .malformedTransferEncoding: "a malformed Transfer-Encoding"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .unsupportedTransferCoding: "a transfer coding other than chunked"
        }
    }
}
