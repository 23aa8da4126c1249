internal import PenstockBytes

/// How a message says where its body ends (RFC 9112 §6.1, §6.3), read strictly.
///
/// Takes the fields one by one, so that a fault is seen before the head is complete.
struct FramingRules: Sendable {
    /// What `Content-Length` says.
    private(set) var contentLength: Int?

    /// Whether the body is chunked.
    private(set) var isChunked = false

    /// Takes the value of a `Content-Length`.
    mutating func takeContentLength(_ value: UnsafeRawBufferPointer) throws(FramingFault) {
        guard contentLength == nil else { throw .repeatedContentLength }
        guard let length = Self.length(value) else { throw .malformedContentLength }
        guard !isChunked else { throw .contentLengthWithTransferEncoding }
        contentLength = length
    }

    /// Takes the value of a `Transfer-Encoding` in a message of HTTP/1.`minorVersion`.
    mutating func takeTransferEncoding(_ value: UnsafeRawBufferPointer, minorVersion: Int) throws(FramingFault) {
        guard !isChunked else { throw .repeatedTransferEncoding }
        guard minorVersion > 0 else { throw .transferEncodingInHTTP10 }
        guard FieldBlock.matches(value, "chunked") else { throw Self.codingFault(value) }
        guard contentLength == nil else { throw .contentLengthWithTransferEncoding }
        isChunked = true
    }

    /// The number that 1 to 18 digits make, so that no sum of it with a size in memory overflows; else `nil`.
    static func length(_ value: UnsafeRawBufferPointer) -> Int? {
        guard !value.isEmpty, value.count <= 18 else { return nil }
        var length = 0
        for byte in value {
            guard ASCII.isDigit(byte) else { return nil }
            length = length &* 10 &+ Int(byte &- ASCII.zero)
        }
        return length
    }

    /// Unsupported where other codings stand before one `chunked`, malformed otherwise (RFC 9112 §6.1, §6.3).
    private static func codingFault(_ value: UnsafeRawBufferPointer) -> FramingFault {
        var list = ListElements(value)
        var isLastChunked = false
        while let element = list.next() {
            guard !isLastChunked, !element.isEmpty, element.allSatisfy(TokenBytes.contains) else {
                return .malformedTransferEncoding
            }
            isLastChunked = FieldBlock.matches(element, "chunked")
        }
        return isLastChunked ? .unsupportedTransferCoding : .malformedTransferEncoding
    }
}

/// The elements of a comma-separated list, without the white space around them, empty ones included (RFC 9110 §5.6.1).
struct ListElements {
    private var rest: UnsafeRawBufferPointer?

    /// The elements of `value`; one, empty, where it is empty.
    init(_ value: UnsafeRawBufferPointer) { rest = value }

    /// The next element, or `nil` at the end.
    mutating func next() -> UnsafeRawBufferPointer? {
        guard let list = rest else { return nil }
        guard let comma = list.firstIndex(of: ASCII.comma) else {
            rest = nil
            return Self.trimmed(list)
        }
        rest = UnsafeRawBufferPointer(rebasing: list[(comma + 1)...])
        return Self.trimmed(UnsafeRawBufferPointer(rebasing: list[..<comma]))
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var range = 0..<bytes.count
        while let first = range.first, isBlank(bytes[first]) { range.removeFirst() }
        while let last = range.last, isBlank(bytes[last]) { range.removeLast() }
        return UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
}

extension FieldBlock {
    /// Whether `bytes`, of any case, are `lowercased`.
    public static func matches(_ bytes: UnsafeRawBufferPointer, _ lowercased: StaticString) -> Bool {
        matches(
            bytes,
            UnsafeRawBufferPointer(start: lowercased.utf8Start, count: lowercased.utf8CodeUnitCount)
        )
    }
}
