internal import PenstockBytes
internal import PenstockHTTP
internal import PenstockPatterns

/// What all routes ask of fields, query parameters and cookies.
struct ConditionTable: Sendable {
    private enum Kind: UInt8 { case present, absent, exact, prefix, suffix, regex }

    private struct Condition: Sendable {
        let kind: Kind
        let name: ByteTable.Slice
        /// The text to compare with.
        let value: ByteTable.Slice
        /// The place in ``expressions``, of a ``Kind/regex``.
        let expression: Int32
    }

    private var conditions: [Condition] = []
    private var expressions: [RegularExpression] = []
    private var bytes = ByteTable()

    /// Adds the conditions of one route.
    ///
    /// - Parameters:
    ///   - list: what it asks for.
    ///   - name: a name as requests are compared with it.
    /// - Returns: where they are.
    mutating func add(_ list: [RouteDescription.Condition], _ name: (String) -> [UInt8]) -> Range<Int32> {
        let start = Int32(conditions.count)
        for item in list {
            let slice = bytes.add(name(item.name))
            let (kind, text): (Kind, String) =
                switch item.value {
                case .present: (.present, "")
                case .absent: (.absent, "")
                case .exact(let text): (.exact, text)
                case .prefix(let text): (.prefix, text)
                case .suffix(let text): (.suffix, text)
                case .regex: (.regex, "")
                }
            let expression = Int32(expressions.count)
            if case .regex(let regex) = item.value { expressions.append(regex) }
            let value = bytes.add(Array(text.utf8))
            conditions.append(Condition(kind: kind, name: slice, value: value, expression: expression))
        }
        return start..<Int32(conditions.count)
    }

    /// Whether the fields are as some conditions of a route ask.
    func fit(fields: FieldBlock, _ range: Range<Int32>, _ route: Int32, _ scratch: MatchScratch) -> Bool {
        for index in range {
            let condition = conditions[Int(index)]
            var found = false
            bytes.with(condition.name) { name in
                for entry in 0..<fields.count where !found {
                    let field = fields[entry]
                    guard field.id != .removed, FieldBlock.matches(fields.name(field), name) else { continue }
                    found = fits(condition, fields.value(field), route, scratch)
                }
            }
            if found == (condition.kind == .absent) { return false }
        }
        return true
    }

    /// Whether the cookies are as some conditions of a route ask.
    func fit(cookies fields: FieldBlock, _ range: Range<Int32>, _ route: Int32, _ scratch: MatchScratch) -> Bool {
        for index in range {
            let condition = conditions[Int(index)]
            let found = fields.cookie { name, value in
                bytes.equals(condition.name, name) && fits(condition, value, route, scratch)
            }
            if (found != nil) == (condition.kind == .absent) { return false }
        }
        return true
    }

    /// Whether the query is as some conditions of a route ask.
    func fit(query: UnsafeRawBufferPointer?, _ range: Range<Int32>, _ route: Int32, _ scratch: MatchScratch) -> Bool {
        for index in range {
            let condition = conditions[Int(index)]
            let found = query.map { hasParameter($0, condition, route, scratch) } ?? false
            if found == (condition.kind == .absent) { return false }
        }
        return true
    }

    private func hasParameter(
        _ query: UnsafeRawBufferPointer,
        _ condition: Condition,
        _ route: Int32,
        _ scratch: MatchScratch
    ) -> Bool {
        var start = 0
        while start <= query.count {
            var end = start
            var equals = -1
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if equals < 0, query[end] == ASCII.equals { equals = end }
                end &+= 1
            }
            let name = UnsafeRawBufferPointer(rebasing: query[start..<(equals < 0 ? end : equals)])
            if end > start, bytes.with(condition.name, { decodesTo($0, name) }) {
                let value = UnsafeRawBufferPointer(rebasing: query[(equals < 0 ? end : equals &+ 1)..<end])
                if fits(condition, encoded: value, route, scratch) { return true }
            }
            start = end &+ 1
        }
        return false
    }

    private func fits(
        _ condition: Condition,
        encoded value: UnsafeRawBufferPointer,
        _ route: Int32,
        _ scratch: MatchScratch
    ) -> Bool {
        switch condition.kind {
        case .present, .absent: return true
        case .exact: return bytes.with(condition.value) { decodesTo($0, value) }
        case .prefix, .suffix, .regex:
            scratch.decoded.removeAll()
            scratch.decoded.append(decoding: value)
            return fits(condition, scratch.decoded.readable, route, scratch)
        }
    }

    private func fits(
        _ condition: Condition,
        _ value: UnsafeRawBufferPointer,
        _ route: Int32,
        _ scratch: MatchScratch
    ) -> Bool {
        let count = Int(condition.value.count)
        switch condition.kind {
        case .present, .absent: return true
        case .exact: return bytes.equals(condition.value, value)
        case .prefix:
            return value.count >= count
                && bytes.equals(condition.value, UnsafeRawBufferPointer(rebasing: value[..<count]))
        case .suffix:
            return value.count >= count
                && bytes.equals(condition.value, UnsafeRawBufferPointer(rebasing: value[(value.count &- count)...]))
        case .regex: return scratch.search(expressions[Int(condition.expression)], in: value, for: route)
        }
    }
}

/// The byte of a query at `index`, decoded (`+` is a space, RFC 1866 §8.2.1); `index` goes on behind it.
///
/// A `%` that is no escape stands for itself.
@inline(__always)
private func decodedByte(_ encoded: UnsafeRawBufferPointer, _ index: inout Int) -> UInt8 {
    let byte = encoded[index]
    index &+= 1
    if byte == UInt8(ascii: "+") { return ASCII.space }
    guard byte == ASCII.percent, index &+ 1 < encoded.count,
        let high = ASCII.hexValue(encoded[index]), let low = ASCII.hexValue(encoded[index &+ 1])
    else { return byte }
    index &+= 2
    return high << 4 | low
}

/// Whether `encoded`, its escapes decoded, is `expected`.
private func decodesTo(_ expected: UnsafeRawBufferPointer, _ encoded: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    var position = 0
    while index < encoded.count {
        let byte = decodedByte(encoded, &index)
        guard position < expected.count, expected[position] == byte else { return false }
        position &+= 1
    }
    return position == expected.count
}

extension ByteBuffer {
    /// Appends a name or value of a query, its escapes decoded.
    mutating func append(decoding encoded: UnsafeRawBufferPointer) {
        var index = 0
        while index < encoded.count { append(decodedByte(encoded, &index)) }
    }
}
