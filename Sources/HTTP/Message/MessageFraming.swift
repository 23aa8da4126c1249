/// How the end of a body is known (RFC 9112 §6).
public enum MessageFraming: Equatable, Sendable {
    /// There is no body.
    case none

    /// Exactly so many bytes.
    case length(Int)

    /// Chunks, a last one of size 0, and perhaps trailers.
    case chunked

    /// All bytes until the peer closes: responses only.
    case untilClose
}
