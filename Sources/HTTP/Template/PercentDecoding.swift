public import PenstockBytes

extension ByteBuffer {
    /// Appends `encoded` with its escapes decoded, once (RFC 3986 §2.4): a path parameter as a program wants it.
    ///
    /// `+` stays `+`, as everywhere in a path; a `%` that begins no escape stays, too. The result need not be UTF-8.
    public mutating func append(percentDecoding encoded: UnsafeRawBufferPointer) {
        reserve(encoded.count)
        var index = 0
        while index < encoded.count {
            let byte = encoded[index]
            if byte == ASCII.percent, index &+ 2 < encoded.count,
                let high = ASCII.hexValue(encoded[index &+ 1]), let low = ASCII.hexValue(encoded[index &+ 2])
            {
                append(high << 4 | low)
                index &+= 3
            } else {
                append(byte)
                index &+= 1
            }
        }
    }
}
