/// What names and values of fields are made of, for fields that functions, upstreams and configuration give.
public enum FieldRules {
    /// Whether `name` is a token: one byte or more, none of them a delimiter (RFC 9110 §5.1, §5.6.2).
    public static func isValidName(_ name: UnsafeRawBufferPointer) -> Bool {
        !name.isEmpty && name.allSatisfy(TokenBytes.contains)
    }

    /// Whether `value` has no control byte but HTAB (RFC 9110 §5.5).
    public static func isValidValue(_ value: UnsafeRawBufferPointer) -> Bool {
        guard let base = value.baseAddress else { return true }
        var position = 0
        while true {
            position = TokenBytes.skipText(base, position, value.count)
            guard position < value.count else { return true }
            guard value[position] == 0x09 else { return false }
            position &+= 1
        }
    }

    /// The same for bytes that are lent.
    public static func isValidName(_ name: RawSpan) -> Bool { name.withUnsafeBytes { isValidName($0) } }

    /// The same for bytes that are lent.
    public static func isValidValue(_ value: RawSpan) -> Bool { value.withUnsafeBytes { isValidValue($0) } }

    /// `value` without the white space around it, which is no part of it (RFC 9110 §5.5).
    public static func trimmed(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var range = 0..<value.count
        while let first = range.first, isBlank(value[first]) { range.removeFirst() }
        while let last = range.last, isBlank(value[last]) { range.removeLast() }
        return UnsafeRawBufferPointer(rebasing: value[range])
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
