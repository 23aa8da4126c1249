public import PenstockBytes

/// A text with places for what a request carries: `/{rest}`, `https://example.com{path}`, `v1-{id}`.
///
/// Read once, then filled for each request without an allocation. A place is a path parameter of the route, `{path}`
/// (the whole path, as the client asked for it, normalised), `{query}` (without `?`) or `{host}` (without port). `{{`
/// and `}}` are single braces. Values go in as they stand in the request, in encoded form.
public struct RequestTemplate: Sendable {
    /// What the filled text is for, which decides how it is written.
    public enum Use: Sendable {
        /// The path of a rewrite.
        case path
        /// The value of `Location`.
        case redirect
        /// The value of a field.
        case field
    }

    enum Piece: Equatable, Sendable {
        case literal([UInt8])
        case parameter(Int)
        case path
        case query
        case host
    }

    let pieces: [Piece]
    /// Several slashes at the start become one, so that no `//host` comes out (RFC 3986 §4.2).
    let foldsSlashes: Bool
    /// The request's query goes behind what has no query of its own.
    let appendsQuery: Bool
    /// Whether a literal could become a dot segment together with a value.
    let mayMakeDotSegments: Bool

    /// Appends the text for a request.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - parameters: the ranges of the route's parameters in the path that was routed.
    ///   - output: gets the text; after `false` it holds a part of it.
    /// - Returns: `false` when a value holds a control byte, written out or escaped, or makes a dot segment: a request
    ///   to be answered with 400.
    public func write(_ head: RequestHead, _ parameters: [Range<Int>], to output: inout ByteBuffer) -> Bool {
        let start = output.count
        var isFolding = foldsSlashes
        for piece in pieces {
            switch piece {
            case .literal(let bytes):
                bytes.withUnsafeBytes { Self.append($0, &isFolding, start, &output) }
            case .parameter(let index):
                let value = UnsafeRawBufferPointer(rebasing: head.routedPath[parameters[index]])
                guard Self.isClean(value) else { return false }
                Self.append(value, &isFolding, start, &output)
            case .path:
                guard Self.isClean(head.routedPath) else { return false }
                Self.append(head.routedPath, &isFolding, start, &output)
            case .query:
                guard Self.appendQuery(head.query, to: &output, start: start) else { return false }
            case .host:
                guard Self.appendHost(head.authority, to: &output) else { return false }
            }
        }
        if appendsQuery, let query = head.query {
            guard Self.hasNoControls(query) else { return false }
            output.append(ASCII.question)
            output.append(query)
        }
        return !mayMakeDotSegments || !Self.hasDotSegment(output, from: start)
    }

    private static func append(
        _ bytes: UnsafeRawBufferPointer,
        _ isFolding: inout Bool,
        _ start: Int,
        _ output: inout ByteBuffer
    ) {
        guard isFolding else { return output.append(bytes) }
        guard let first = bytes.firstIndex(where: { $0 != ASCII.slash }) else {
            if !bytes.isEmpty, output.count == start { output.append(ASCII.slash) }
            return
        }
        if first > 0, output.count == start { output.append(ASCII.slash) }
        output.append(UnsafeRawBufferPointer(rebasing: bytes[first...]))
        isFolding = false
    }

    /// Appends a query; without one, takes back the `?` before it.
    private static func appendQuery(_ query: UnsafeRawBufferPointer?, to output: inout ByteBuffer, start: Int) -> Bool {
        if let query, !query.isEmpty {
            output.append(query)
            return hasNoControls(query)
        }
        if output.count > start, output.readable.last == ASCII.question { output.drop(1) }
        return true
    }

    /// Appends the host in lower case, without its port.
    private static func appendHost(_ authority: UnsafeRawBufferPointer, to output: inout ByteBuffer) -> Bool {
        let host = hostWithoutPort(authority)
        guard !host.isEmpty else { return false }
        for byte in host {
            let isPlain = ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.dot || byte == 0x2D
            guard isPlain || byte == 0x5F || byte == 0x5B || byte == 0x5D || byte == ASCII.colon else { return false }
            output.append(ASCII.lowercased(byte))
        }
        return true
    }

    /// Whether a captured value has no control byte, neither as it is nor escaped.
    private static func isClean(_ value: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<value.count {
            let byte = value[index]
            if byte < 0x20 || byte == 0x7F { return false }
            guard byte == ASCII.percent, index &+ 2 < value.count, let high = ASCII.hexValue(value[index &+ 1]) else {
                continue
            }
            if high < 2 || (high == 7 && ASCII.hexValue(value[index &+ 2]) == 15) { return false }
        }
        return true
    }

    private static func hasNoControls(_ value: UnsafeRawBufferPointer) -> Bool {
        for byte in value where byte < 0x20 || byte == 0x7F { return false }
        return true
    }

    private static func hasDotSegment(_ output: borrowing ByteBuffer, from start: Int) -> Bool {
        let bytes = UnsafeRawBufferPointer(rebasing: output.readable[start...])
        return bytes.split(separator: ASCII.slash).contains { segment in
            segment.elementsEqual([ASCII.dot]) || segment.elementsEqual([ASCII.dot, ASCII.dot])
        }
    }
}

/// The host in an authority (RFC 3986 §3.2): what stands before the port, without a final dot.
///
/// - Parameter authority: `host`, `host:port`, `[v6]` or `[v6]:port`, in any case.
/// - Returns: a part of `authority`, valid as long as that is.
public func hostWithoutPort(_ authority: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var end = authority.count
    var index = end
    while index > 0 {
        index &-= 1
        let byte = authority[index]
        if byte == ASCII.colon {
            end = index
            break
        }
        if !ASCII.isDigit(byte) { break }
    }
    if end > 1, authority[end &- 1] == ASCII.dot { end &-= 1 }
    return UnsafeRawBufferPointer(rebasing: authority[0..<end])
}
