internal import PenstockBytes

/// Decodes a query (`a=1&b=2`, as forms write it) and brings the values of a repeated name together.
///
/// Keeps its memory. Names are found through a hash table, so that a hostile query of thousands of names costs no more
/// than linear time.
struct QueryParameters: ~Copyable {
    /// A decoded `name=value`, as places in ``decoded``.
    private struct Pair {
        let start: Int
        let nameEnd: Int
        let valueEnd: Int
        let hash: UInt64
        /// The next pair with this name, or -1.
        var next = -1
        /// Of the first pair with this name: the last one.
        var last: Int
        /// Whether a pair before it has this name.
        var isRepeat = false
    }

    private var decoded = ByteBuffer()
    private var pairs: [Pair] = []
    private var table: [Int32] = []
    private let seed = UInt64.random(in: .min ... .max) | 1

    /// Appends `,"queryStringParameters":{...}`, or nothing where `query` names nothing.
    mutating func write(_ query: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        guard !query.isEmpty else { return }
        decode(query)
        guard !pairs.isEmpty else { return }
        if pairs.count > 1 { join() }
        output.append(",\"queryStringParameters\":{\"")
        for index in pairs.indices where !pairs[index].isRepeat {
            if index > 0 { output.append(",\"") }
            output.append(escaping: name(pairs[index]))
            output.append("\":\"")
            var member = index
            while member >= 0 {
                if member != index { output.append(ASCII.comma) }
                output.append(escaping: value(pairs[member]))
                member = pairs[member].next
            }
            output.append(ASCII.quote)
        }
        output.append("}")
        forget()
    }

    private func name(_ pair: Pair) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: decoded.readable[pair.start..<pair.nameEnd])
    }

    private func value(_ pair: Pair) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: decoded.readable[pair.nameEnd..<pair.valueEnd])
    }

    private mutating func decode(_ query: UnsafeRawBufferPointer) {
        decoded.reserve(query.count)
        var position = 0
        while position < query.count {
            let start = decoded.count
            decode(query, &position, endsAtEquals: true)
            let nameEnd = decoded.count
            let hasValue = position < query.count && query[position] == ASCII.equals
            if hasValue {
                position &+= 1
                decode(query, &position, endsAtEquals: false)
            }
            position &+= 1
            guard hasValue || nameEnd > start else { continue }
            let text = UnsafeRawBufferPointer(rebasing: decoded.readable[start..<nameEnd])
            pairs.append(
                Pair(start: start, nameEnd: nameEnd, valueEnd: decoded.count, hash: hash(text), last: pairs.count)
            )
        }
    }

    /// Decodes up to the next `&`, or `=`: escapes, and `+` for a space (WHATWG URL §5.1).
    private mutating func decode(_ query: UnsafeRawBufferPointer, _ position: inout Int, endsAtEquals: Bool) {
        while position < query.count {
            let byte = query[position]
            if byte == 0x26 || (endsAtEquals && byte == ASCII.equals) { return }
            if byte == ASCII.percent, position &+ 2 < query.count,
                let high = ASCII.hexValue(query[position &+ 1]), let low = ASCII.hexValue(query[position &+ 2])
            {
                decoded.append(high << 4 | low)
                position &+= 3
            } else {
                decoded.append(byte == 0x2B ? ASCII.space : byte)
                position &+= 1
            }
        }
    }

    private func hash(_ text: UnsafeRawBufferPointer) -> UInt64 {
        var value = seed
        for byte in text { value = (value ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15 ^ value >> 29 }
        return value ^ value >> 32
    }

    /// Links every pair to the next one with its name.
    private mutating func join() {
        var size = 8
        while size < pairs.count * 2 { size *= 2 }
        table.append(contentsOf: repeatElement(-1, count: size))
        for index in pairs.indices {
            var slot = Int(truncatingIfNeeded: pairs[index].hash) & (size - 1)
            while true {
                let first = Int(table[slot])
                if first < 0 {
                    table[slot] = Int32(truncatingIfNeeded: index)
                    break
                }
                if pairs[first].hash == pairs[index].hash, name(pairs[first]).elementsEqual(name(pairs[index])) {
                    pairs[pairs[first].last].next = index
                    pairs[first].last = index
                    pairs[index].isRepeat = true
                    break
                }
                slot = (slot + 1) & (size - 1)
            }
        }
    }

    private mutating func forget() {
        if decoded.capacity > 16_384 { decoded.release() } else { decoded.removeAll() }
        pairs.removeAll(keepingCapacity: pairs.capacity <= 256)
        table.removeAll(keepingCapacity: table.capacity <= 1024)
    }
}
