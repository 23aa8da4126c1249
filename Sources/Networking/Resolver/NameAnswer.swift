/// What a name stands for, and for how long.
public struct NameAnswer<Element: Hashable & Sendable>: Equatable, Sendable {
    /// At least one, each once.
    public let elements: [Element]

    /// Nanoseconds that the answer is good for: the smallest TTL of its records, but a second at least and an hour at most.
    ///
    /// What a file of this machine says has no TTL; it is read again after 30 s.
    public let lifetime: Int64

    /// An answer; `lifetime` is brought within its bounds.
    public init(_ elements: [Element], lifetime: Int64) {
        self.elements = elements
        self.lifetime = min(max(lifetime, AnswerLifetime.shortest), AnswerLifetime.longest)
    }
}

/// Nanoseconds that answers are good for.
enum AnswerLifetime {
    /// Under a TTL of 0 too: who asks is a machine that asks for ever.
    static let shortest: Int64 = 1_000_000_000

    static let longest: Int64 = 3_600_000_000_000

    static let ofFile: Int64 = 30_000_000_000

    /// Of an answer that may be a part of the whole.
    static let incomplete: Int64 = 5_000_000_000
}
