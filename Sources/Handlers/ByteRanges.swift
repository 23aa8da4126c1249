internal import PenstockBytes
internal import PenstockHTTP

/// Which bytes of a file a request wants (RFC 9110 §14).
enum ByteRanges: Equatable {
    /// All of them: it does not say, it may not say, or it is not understood (§14.2).
    case whole

    /// These, in the order in which they were asked for; at least one, none of them empty.
    case parts([Range<Int>])

    /// Only such as the file does not have.
    case unsatisfiable

    /// More ranges than anybody needs are answered with the whole file.
    private static let limit = 16

    /// Judges a GET for a file.
    ///
    /// - Parameters:
    ///   - fields: of the request.
    ///   - length: the file's, in bytes.
    ///   - tag: its strong tag.
    ///   - modified: when it changed, in seconds since 1970.
    ///   - now: the same of this moment.
    /// - Returns: what to send.
    static func judge(
        _ fields: FieldBlock,
        length: Int,
        tag: UnsafeRawBufferPointer,
        modified: Int,
        now: Int
    ) -> ByteRanges {
        guard fields.present.has(.range), let value = onlyValue(fields),
            isCurrent(fields, tag: tag, modified: modified, now: now)
        else { return .whole }
        return parse(value, length: length)
    }

    /// The value of the one Range field; of several none can be meant.
    private static func onlyValue(_ fields: FieldBlock) -> UnsafeRawBufferPointer? {
        var value: UnsafeRawBufferPointer?
        for index in 0..<fields.count where fields[index].id == .range {
            if value != nil { return nil }
            value = fields.value(fields[index])
        }
        return value
    }

    /// Whether the client has parts of this very version (If-Range, §13.1.5).
    ///
    /// A date is as good as a tag only where the file has not changed again within its second.
    private static func isCurrent(
        _ fields: FieldBlock,
        tag: UnsafeRawBufferPointer,
        modified: Int,
        now: Int
    ) -> Bool {
        let name: StaticString = "if-range"
        let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard let value = fields.first(named: bytes) else { return true }
        if value.first == ASCII.quote { return value.elementsEqual(tag) }
        return HTTPDate.parse(value) == modified && modified < now
    }

    // MARK: The grammar (§14.1.1)

    /// Reads `bytes=0-499, -500`.
    static func parse(_ value: UnsafeRawBufferPointer, length: Int) -> ByteRanges {
        guard let equals = value.firstIndex(of: ASCII.equals),
            FieldBlock.matches(UnsafeRawBufferPointer(rebasing: value[..<equals]), "bytes")
        else { return .whole }
        var parts: [Range<Int>] = []
        var count = 0
        for element in value[(equals + 1)...].split(separator: ASCII.comma) {
            let text = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: element))
            if text.isEmpty { continue }
            count += 1
            guard count <= limit, let part = range(text, length: length) else { return .whole }
            if !part.isEmpty { parts.append(part) }
        }
        if count == 0 { return .whole }
        if parts.isEmpty { return length == 0 ? .whole : .unsatisfiable }
        // Ranges that overlap could make much of a small file.
        return parts.reduce(0) { $0 + $1.count } <= length ? .parts(parts) : .whole
    }

    /// `0-499`, `500-` or `-500`: empty where the file has none of it, `nil` where it is malformed.
    private static func range(_ text: UnsafeRawBufferPointer, length: Int) -> Range<Int>? {
        guard let dash = text.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let (before, after) = (text[..<dash], text[(dash + 1)...])
        if before.isEmpty { return number(after).map { length - min($0, length)..<length } }
        guard let first = number(before) else { return nil }
        guard !after.isEmpty else { return min(first, length)..<length }
        guard let last = number(after), last >= first else { return nil }
        return min(first, length)..<min(last, length - 1) + 1
    }

    /// A decimal number; one that is larger than any file is the largest that there is.
    private static func number(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard !text.isEmpty else { return nil }
        var value = 0
        for byte in text {
            guard ASCII.isDigit(byte) else { return nil }
            value = value > (Int.max - 10) / 10 ? Int.max - 1 : value * 10 + Int(byte &- ASCII.zero)
        }
        return value
    }
}
