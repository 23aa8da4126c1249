import PenstockBytes
import PenstockObservability
import PenstockSystem

/// Cuts what an instance prints into lines, and counts what is too much.
///
/// Bytes go in, lines come out; it knows no pipe. A line longer than ``lineLimit`` becomes several.
struct InstanceLog: ~Copyable {
    /// Bytes of the longest line.
    static let lineLimit = 16_384

    /// Bytes that may be printed at once, and in each second after that.
    static let burst: Int64 = 4 << 20
    static let rate: Int64 = 1 << 20

    /// Bytes of credit at which a log that was cut off goes on: so it is told of at most four times a second.
    static let resume: Int64 = rate / 4

    private var partial = ByteBuffer()
    private var credit = InstanceLog.burst
    private var filledAt = Instant(nanoseconds: 0)
    private var dropped = 0

    /// Takes bytes that were printed.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - now: for the rate.
    ///   - line: called for each whole line, without its line feed.
    mutating func receive(
        _ bytes: UnsafeRawBufferPointer,
        at now: Instant,
        line: (UnsafeRawBufferPointer) -> Void
    ) {
        var rest = bytes
        while let end = rest.firstIndex(of: ASCII.lineFeed) {
            let piece = UnsafeRawBufferPointer(rebasing: rest[..<end])
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            if partial.isEmpty {
                cut(piece, at: now, line)
            } else {
                partial.append(piece)
                endLine(at: now, line)
            }
        }
        partial.append(rest)
        while partial.count >= Self.lineLimit {
            emit(UnsafeRawBufferPointer(rebasing: partial.readable[..<Self.lineLimit]), at: now, line)
            partial.consume(Self.lineLimit)
        }
    }

    /// Takes what has come of a line as a line, and says what was dropped: its request has been answered, or its
    /// instance is gone.
    mutating func flush(at now: Instant, line: (UnsafeRawBufferPointer) -> Void) {
        endLine(at: now, line)
        if dropped > 0 { tellDropped(line) }
    }

    private mutating func endLine(at now: Instant, _ line: (UnsafeRawBufferPointer) -> Void) {
        if !partial.isEmpty { cut(partial.readable, at: now, line) }
        if partial.capacity > 4096 { partial.release() } else { partial.removeAll() }
    }

    private mutating func tellDropped(_ line: (UnsafeRawBufferPointer) -> Void) {
        Array("[penstock] \(dropped) lines dropped: more than \(Self.rate >> 20) MiB/s".utf8).withUnsafeBytes(line)
        dropped = 0
    }

    private mutating func cut(
        _ text: UnsafeRawBufferPointer,
        at now: Instant,
        _ line: (UnsafeRawBufferPointer) -> Void
    ) {
        var rest = text
        while rest.count > Self.lineLimit {
            emit(UnsafeRawBufferPointer(rebasing: rest[..<Self.lineLimit]), at: now, line)
            rest = UnsafeRawBufferPointer(rebasing: rest[Self.lineLimit...])
        }
        emit(rest, at: now, line)
    }

    private mutating func emit(
        _ text: UnsafeRawBufferPointer,
        at now: Instant,
        _ line: (UnsafeRawBufferPointer) -> Void
    ) {
        credit = min(Self.burst, credit &+ (now - filledAt) / 1_000 * Self.rate / 1_000_000)
        filledAt = now
        guard credit > (dropped > 0 ? Self.resume : 0) else {
            dropped += 1
            return
        }
        if dropped > 0 { tellDropped(line) }
        credit -= Int64(text.count) + 64
        line(text)
    }
}
