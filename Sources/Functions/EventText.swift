internal import PenstockBytes
internal import PenstockHTTP

/// `time` of an event, as the common log format has it: `12/Mar/2020:19:03:58 +0000`; made anew once a second.
struct EventTime: ~Copyable {
    private var second = Int.min
    private var buffer = ByteBuffer()

    /// The text for a second since 1970, valid until the next call.
    mutating func text(_ second: Int) -> UnsafeRawBufferPointer {
        if second != self.second { renew(second) }
        return buffer.readable
    }

    private mutating func renew(_ second: Int) {
        self.second = second
        withUnsafeTemporaryAllocation(byteCount: HTTPDate.length, alignment: 1) { date in
            HTTPDate.format(second, into: date)  // Sun, 06 Nov 1994 08:49:37 GMT
            buffer.removeAll()
            buffer.append(UnsafeRawBufferPointer(rebasing: date[5..<7]))
            buffer.append(ASCII.slash)
            buffer.append(UnsafeRawBufferPointer(rebasing: date[8..<11]))
            buffer.append(ASCII.slash)
            buffer.append(UnsafeRawBufferPointer(rebasing: date[12..<16]))
            buffer.append(ASCII.colon)
            buffer.append(UnsafeRawBufferPointer(rebasing: date[17..<25]))
            buffer.append(" +0000")
        }
    }
}

extension ByteBuffer {
    /// Appends `bytes` as the inside of a JSON string.
    @inline(__always) mutating func append(escaping bytes: UnsafeRawBufferPointer) {
        var json = JSONWriter()
        json.stringPart(bytes, &self)
    }

    /// Appends ASCII `bytes` with `A-Z` in lower case, eight at a time.
    mutating func append(lowercasing bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        let output = writable
        var position = 0
        while position &+ 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            output.storeBytes(of: Self.lowercased(word), toByteOffset: position, as: UInt64.self)
            position &+= 8
        }
        while position < bytes.count {
            output[position] = ASCII.lowercased(bytes[position])
            position &+= 1
        }
        commit(bytes.count)
    }

    /// Sets 0x20 in every byte that is `A-Z`; no byte carries into its neighbour, because the top bits are left out.
    private static func lowercased(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let low = word & (ones &* 0x7F)
        let isFromA = low &+ ones &* (0x80 - 0x41)
        let isBehindZ = low &+ ones &* (0x7F - 0x5A)
        let isUpper = ~word & (isFromA ^ isBehindZ) & (ones &* 0x80)
        return word | isUpper >> 2
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes, of any case, are `text`, which is in lower case.
    func isLowercased(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && starts(withLowercased: text)
    }

    /// Whether these bytes, of any case, begin with `text`, which is in lower case.
    func starts(withLowercased text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where ASCII.lowercased(self[index]) != text.utf8Start[index] {
            return false
        }
        return true
    }

    /// Whether these bytes, of any case, end with `text`, which is in lower case.
    func ends(withLowercased text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        let end = UnsafeRawBufferPointer(rebasing: self[(count - text.utf8CodeUnitCount)...])
        return end.starts(withLowercased: text)
    }
}
