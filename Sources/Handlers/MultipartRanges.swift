internal import PenstockBytes

/// Several parts of a file in one body: `multipart/byteranges` (RFC 9110 §14.6, RFC 2046 §5.1.1).
struct MultipartRanges {
    /// What is sent, one after the other.
    let pieces: [FileTransfer.Piece]

    /// The value of Content-Type.
    let contentType: String

    /// Puts parts together.
    ///
    /// - Parameters:
    ///   - parts: of the file, in the order in which they are sent.
    ///   - size: the whole file's, in bytes.
    ///   - type: its media type.
    init(_ parts: [Range<Int>], of size: Int, _ type: StaticString) {
        var random = SystemRandomNumberGenerator()
        // Nobody who writes files here can know it beforehand.
        let boundary = String(random.next() as UInt64, radix: 36) + String(random.next() as UInt64, radix: 36)
        var pieces: [FileTransfer.Piece] = []
        for part in parts {
            let head = """
                \(pieces.isEmpty ? "" : "\r\n")--\(boundary)\r\nContent-Type: \(type)\r
                Content-Range: bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)\r\n\r\n
                """
            pieces.append(FileTransfer.Piece(introduction: Array(head.utf8), range: part))
        }
        pieces.append(FileTransfer.Piece(introduction: Array("\r\n--\(boundary)--\r\n".utf8), range: 0..<0))
        self.pieces = pieces
        contentType = "multipart/byteranges; boundary=\(boundary)"
    }
}
