internal import Glibc
internal import PenstockBytes
internal import PenstockHTTP

/// Which version of a file a client has (RFC 9110 §8.8, §13).
enum EntityTag {
    /// Appends a strong tag for a file: time of change to the nanosecond, size and inode.
    static func append(_ status: borrowing stat, to output: inout ByteBuffer) {
        output.append(ASCII.quote)
        // A file may be older than 1970.
        let seconds = UInt64(bitPattern: Int64(status.st_mtim.tv_sec))
        appendHex(seconds &* 1_000_000_000 &+ UInt64(status.st_mtim.tv_nsec), to: &output)
        output.append("-")
        appendHex(UInt64(status.st_size), to: &output)
        output.append("-")
        appendHex(UInt64(status.st_ino), to: &output)
        output.append(ASCII.quote)
    }

    private static func appendHex(_ value: UInt64, to output: inout ByteBuffer) {
        var shift = max(60 - value.leadingZeroBitCount / 4 * 4, 0)
        while shift >= 0 {
            let digit = ASCII.hexDigit(UInt8(value >> UInt64(shift) & 15))
            output.append(ASCII.lowercased(digit))
            shift -= 4
        }
    }

    /// Whether a list of tags has `tag`, or is `*`.
    ///
    /// - Parameters:
    ///   - list: the value of `If-None-Match` or `If-Match`: `"a", W/"b"`.
    ///   - tag: a strong tag, with its quotes.
    ///   - allowsWeak: whether `W/"a"` counts as `"a"` (weak comparison, RFC 9110 §8.8.3.2).
    /// - Returns: `false` also from where the list is malformed on.
    static func list(_ list: UnsafeRawBufferPointer, has tag: UnsafeRawBufferPointer, allowsWeak: Bool) -> Bool {
        if list.elementsEqual([UInt8(ascii: "*")]) { return true }
        var index = 0
        while index < list.count {
            let byte = list[index]
            if byte == ASCII.space || byte == ASCII.tab || byte == ASCII.comma {
                index &+= 1
                continue
            }
            let isWeak = byte == UInt8(ascii: "W") && index &+ 1 < list.count && list[index &+ 1] == ASCII.slash
            if isWeak { index &+= 2 }
            guard index < list.count, list[index] == ASCII.quote,
                let end = list[(index &+ 1)...].firstIndex(of: ASCII.quote)
            else { return false }
            if allowsWeak || !isWeak, list[index...end].elementsEqual(tag) { return true }
            index = end &+ 1
        }
        return false
    }
}

/// What a request's conditions come to (RFC 9110 §13.2.2).
enum Precondition {
    case none, notModified, failed

    /// Judges the conditions of a GET or HEAD for a file.
    ///
    /// - Parameters:
    ///   - fields: of the request.
    ///   - tag: the file's strong tag.
    ///   - modified: when the file changed, in seconds since 1970.
    /// - Returns: what to answer.
    static func judge(_ fields: FieldBlock, tag: UnsafeRawBufferPointer, modified: Int) -> Precondition {
        if let matched = anyLine(of: fields, named: "if-match", { EntityTag.list($0, has: tag, allowsWeak: false) }) {
            if !matched { return .failed }
        } else if let date = date(fields, "if-unmodified-since"), modified > date {
            return .failed
        }
        if fields.present.has(.ifNoneMatch) {
            let matched = anyLine(of: fields, named: "if-none-match") { EntityTag.list($0, has: tag, allowsWeak: true) }
            if let matched { return matched ? .notModified : .none }
        }
        if let value = fields.first(.ifModifiedSince), let date = HTTPDate.parse(value), modified <= date {
            return .notModified
        }
        return .none
    }

    private static func date(_ fields: FieldBlock, _ name: StaticString) -> Int? {
        fields.first(named: bytes(name)).flatMap { HTTPDate.parse($0) }
    }

    /// Whether `test` holds for a line of a field; `nil` when there is no such field.
    private static func anyLine(
        of fields: FieldBlock,
        named name: StaticString,
        _ test: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool? {
        var result: Bool?
        for index in 0..<fields.count where fields[index].id != .removed {
            let field = fields[index]
            guard FieldBlock.matches(fields.name(field), bytes(name)) else { continue }
            result = (result ?? false) || test(fields.value(field))
        }
        return result
    }

    private static func bytes(_ name: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    }
}
