internal import PenstockBytes

/// Takes a chunked body apart (RFC 9112 §7.1), strictly, in whatever pieces it comes.
///
/// It keeps no bytes but those of the trailer section, which it collects in the block that it is given; so the caller
/// need never show it a byte twice.
public struct ChunkedDecoder: Sendable {
    /// What comes next in a body.
    public enum Event: Equatable, Sendable {
        /// A part of the body, which lies at these offsets in the bytes given; never empty.
        case data(Range<Int>)

        /// The body and its trailers are complete.
        case end

        /// All bytes given are taken, and the body goes on.
        case needMore
    }

    private enum State {
        case sizeStart, size, blankBeforeExtension, extensions, sizeLineFeed
        case data, dataCarriageReturn, dataLineFeed
        case trailers, done
    }

    let limits: HeadLimits
    private var state = State.sizeStart

    /// What is left of the chunk, or its size so far.
    private var remaining = 0
    private var sizeDigits = 0
    private var extensionBytes = 0
    private var trailerStart = -1
    private var linePosition = 0

    /// A decoder for one body.
    public init(limits: HeadLimits) { self.limits = limits }

    /// Makes the decoder ready for the next body.
    public mutating func reset() { self = ChunkedDecoder(limits: limits) }

    /// Takes the next event from `bytes`, beginning at `offset`, which it advances.
    ///
    /// - Parameters:
    ///   - bytes: a piece of the body.
    ///   - offset: where to go on in it; behind the body at its end, the rest is not of it.
    ///   - trailers: gets the trailer fields; the same block at each call for one body. Fields that a trailer section
    ///     may not have, or that a client may not set, are left out (RFC 9110 §6.5.1, trust.md).
    /// - Returns: the event; after ``Event/end`` always that one.
    /// - Throws: ``RequestError``; nobody knows then where the message ends. From an upstream it means 502.
    public mutating func next(
        _ bytes: RawSpan,
        offset: inout Int,
        trailers: FieldBlock
    ) throws(RequestError) -> Event {
        try bytes.withUnsafeBytes { (bytes) throws(RequestError) -> Event in
            if state == .data { return takeData(bytes, &offset) }
            while offset < bytes.count {
                if state == .done { return .end }
                if state == .trailers {
                    guard try takeTrailerLine(bytes, &offset, trailers) else { continue }
                    state = .done
                    return .end
                }
                try take(bytes[offset])
                offset &+= 1
                if state == .data { return takeData(bytes, &offset) }
            }
            return state == .done ? .end : .needMore
        }
    }

    /// As much of the chunk as there is.
    private mutating func takeData(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Event {
        guard offset < bytes.count else { return .needMore }
        let start = offset
        let count = min(remaining, bytes.count &- offset)
        offset &+= count
        remaining &-= count
        if remaining == 0 { state = .dataCarriageReturn }
        return .data(start..<offset)
    }

    /// One byte of what is around the chunks.
    private mutating func take(_ byte: UInt8) throws(RequestError) {
        switch state {
        case .sizeStart, .size: try takeSize(byte)
        case .blankBeforeExtension:
            try countExtension()
            if byte == ASCII.semicolon {
                state = .extensions
            } else if byte != ASCII.space, byte != ASCII.tab {
                throw .malformedChunk
            }
        case .extensions:
            if byte == ASCII.carriageReturn {
                state = .sizeLineFeed
            } else {
                try countExtension()
                guard TokenBytes.isFieldText(byte) else { throw .malformedChunk }
            }
        case .sizeLineFeed:
            guard byte == ASCII.lineFeed else { throw .malformedChunk }
            state = remaining > 0 ? .data : .trailers
        case .dataCarriageReturn:
            guard byte == ASCII.carriageReturn else { throw .malformedChunk }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == ASCII.lineFeed else { throw .malformedChunk }
            state = .sizeStart
        case .data, .trailers, .done: preconditionFailure("not a state that takes single bytes")
        }
    }

    private mutating func takeSize(_ byte: UInt8) throws(RequestError) {
        if let digit = ASCII.hexValue(byte) {
            if state == .sizeStart {
                state = .size
                remaining = 0
                sizeDigits = 0
            }
            sizeDigits &+= 1
            // 15 digits fit, whatever they are, and no honest chunk has more, leading zeros included.
            guard sizeDigits <= 15 else { throw .malformedChunk }
            remaining = remaining &<< 4 | Int(digit)
            return
        }
        guard state == .size else { throw .malformedChunk }
        switch byte {
        case ASCII.carriageReturn: state = .sizeLineFeed
        case ASCII.semicolon:
            try countExtension()
            state = .extensions
        case ASCII.space, ASCII.tab:
            try countExtension()
            state = .blankBeforeExtension
        default: throw .malformedChunk
        }
    }

    private mutating func countExtension() throws(RequestError) {
        extensionBytes &+= 1
        guard extensionBytes <= limits.chunkExtensions else { throw .chunkExtensionsTooLarge }
    }

    /// Takes bytes up to the end of a line, or all; answers whether the section is complete.
    private mutating func takeTrailerLine(
        _ bytes: UnsafeRawBufferPointer,
        _ offset: inout Int,
        _ trailers: FieldBlock
    ) throws(RequestError) -> Bool {
        if trailerStart < 0 {
            trailerStart = trailers.byteCount
            linePosition = trailerStart
        }
        let rest = bytes[offset...]
        let end = rest.firstIndex(of: ASCII.lineFeed).map { $0 &+ 1 } ?? bytes.count
        guard trailers.byteCount &- trailerStart &+ end &- offset <= limits.head else { throw .headTooLarge }
        _ = trailers.stash(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]))
        offset = end
        var line = FieldLine()
        switch try scan(&line, trailers) {
        case .incomplete: return false
        case .end: return true
        case .field:
            linePosition = line.next
            guard trailers.count < limits.fields else { throw .tooManyFields }
            if !Self.forbidden.has(line.id) { trailers.add(line.field(from: 0)) }
            return false
        }
    }

    private func scan(_ line: inout FieldLine, _ trailers: FieldBlock) throws(RequestError) -> FieldLine.Outcome {
        let section = trailers.bytes(0..<trailers.byteCount)
        guard let base = section.baseAddress else { return .incomplete }
        do {
            return try line.scan(base, section.count, at: linePosition)
        } catch {
            throw .field(error)
        }
    }

    /// Fields that frame, route, authenticate or describe the content, or that are ours or the next hop's alone.
    private static let forbidden = FieldNameSet.hopByHop.union(.forwarding).union(
        FieldNameSet(
            .host,
            .contentLength,
            .contentType,
            .contentEncoding,
            .expect,
            .cookie,
            .setCookie,
            .authorization,
            .xRequestID,
            .range,
            .cacheControl,
            .date,
            .location,
            .retryAfter,
            .allow,
            .underscored
        )
    )
}
