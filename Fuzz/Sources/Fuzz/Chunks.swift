import PenstockBytes
import PenstockHTTP

/// A body is the same in whatever pieces it comes, and just what its sizes announce.
func tryChunks(_ bytes: UnsafeRawBufferPointer) {
    let whole = decode(bytes, cuts: [bytes.count])
    let pieces = decode(bytes, cuts: cuts(bytes.count))
    promise(whole == pieces, "at once \(whole), in pieces \(pieces)")
    guard case .ended(let body, let trailers, let end) = whole else { return }
    promise(announced(bytes[..<end]) == body, "a body other than its chunks")
    promise(decode(UnsafeRawBufferPointer(rebasing: bytes[..<end]), cuts: [end]) == whole, "what follows changes it")
    _ = trailers
}

private enum BodyOutcome: Equatable {
    case ended(body: [UInt8], trailers: String, at: Int)
    case incomplete(body: [UInt8])
    case refused
}

private func decode(_ bytes: UnsafeRawBufferPointer, cuts: [Int]) -> BodyOutcome {
    var decoder = ChunkedDecoder(limits: limits)
    let trailers = FieldBlock()
    var body: [UInt8] = []
    var start = 0
    for end in cuts {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        var offset = 0
        while true {
            let before = offset
            do throws(RequestError) {
                switch try decoder.next(piece.bytes, offset: &offset, trailers: trailers) {
                case .data(let range):
                    promise(
                        !range.isEmpty && range.lowerBound >= before && range.upperBound == offset,
                        "data at \(range)"
                    )
                    body += piece[range]
                    continue
                case .end:
                    let ended = offset
                    promise(try decoder.next(piece.bytes, offset: &offset, trailers: trailers) == .end, "no end")
                    promise(offset == ended, "bytes taken behind the end")
                    return .ended(body: body, trailers: text(of: trailers), at: start + offset)
                case .needMore: promise(offset == piece.count, "bytes left over")
                }
            } catch {
                return .refused
            }
            break
        }
        start = end
    }
    return .incomplete(body: body)
}

/// The body by the plainest reading of RFC 9112 §7.1 that there is, of a body that is well-formed.
private func announced(_ bytes: Slice<UnsafeRawBufferPointer>) -> [UInt8]? {
    var body: [UInt8] = []
    var rest = bytes
    while let lineEnd = rest.firstIndex(of: ASCII.lineFeed) {
        let digits = rest[..<lineEnd].prefix { ASCII.hexValue($0) != nil }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
        if size == 0 { return body }
        rest = rest[(lineEnd + 1)...]
        guard rest.count >= size + 2 else { return nil }
        body += rest.prefix(size)
        rest = rest.dropFirst(size + 2)
    }
    return nil
}
