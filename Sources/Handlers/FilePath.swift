internal import PenstockBytes
internal import PenstockHTTP

/// Turns the encoded path of a request into a path below a folder.
enum FilePath {
    /// Appends the decoded path with a final 0, and no slash at its ends.
    ///
    /// - Parameters:
    ///   - encoded: what is left of the request's path for the file, without a slash before it; one behind it is dropped.
    ///   - output: gets the path.
    /// - Returns: `false` for a path that no file of ours has: an empty or dot segment, a decoded slash or 0, and names
    ///   that begin with a dot (`.git`, `.env`), but for `.well-known` (RFC 8615).
    static func append(_ encoded: UnsafeRawBufferPointer, to output: inout ByteBuffer) -> Bool {
        var start = 0
        let end = encoded.count > 1 && encoded.last == ASCII.slash ? encoded.count &- 1 : encoded.count
        var isFirst = true
        while start < end {
            var stop = start
            while stop < end, encoded[stop] != ASCII.slash { stop &+= 1 }
            if !isFirst { output.append(ASCII.slash) }
            isFirst = false
            guard append(segment: UnsafeRawBufferPointer(rebasing: encoded[start..<stop]), to: &output) else {
                return false
            }
            // A second slash here leaves an empty segment behind it.
            if stop < end, stop &+ 1 == end { return false }
            start = stop &+ 1
        }
        output.append(UInt8(0))
        return true
    }

    private static func append(segment: UnsafeRawBufferPointer, to output: inout ByteBuffer) -> Bool {
        let before = output.count
        output.append(percentDecoding: segment)
        let name = UnsafeRawBufferPointer(rebasing: output.readable[before...])
        guard let first = name.first else { return false }
        for byte in name where byte == 0 || byte == ASCII.slash { return false }
        return first != ASCII.dot || name.elementsEqual(".well-known".utf8)
    }
}
