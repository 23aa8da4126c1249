public import PenstockSystem

/// What is known of a name, and when to ask for it again: a value without a clock or a socket.
///
///                  answer                     answer: changed or not, asked again when it has expired
///     unknown ───────────────▶ known ───────┐
///        │  ▲                   │  ▲ └──────┘
///        └──┘                   └──┘
///      failure                 failure: the last good answer stays; asked again after 1, 2, 4 ... 30 s
///
/// Whoever has one asks at ``next``, and hands the outcome to ``receive(_:at:jitter:)``.
public struct Discovery<Element: Hashable & Sendable>: Sendable {
    /// The last good answer; empty until there was one.
    public private(set) var elements: [Element] = []

    /// When to ask: at once as long as nobody has asked.
    public private(set) var next = Instant(nanoseconds: 0)

    /// Why the last question had no answer; `nil` where it had one, or none was asked.
    public private(set) var failure: ResolutionError?

    private var backoff: Int64 = 0

    private static var firstBackoff: Int64 { 1_000_000_000 }
    private static var longestBackoff: Int64 { 30_000_000_000 }

    /// Name servers remember that there is no such name, and say so without looking (RFC 2308).
    private static var notFoundBackoff: Int64 { 5_000_000_000 }

    /// Nothing is known yet.
    public init() {}

    /// Takes the outcome of a question.
    ///
    /// - Parameters:
    ///   - outcome: the outcome.
    ///   - now: when it came.
    ///   - jitter: 0...1, of a tenth of the lifetime that is left unused, so that names that were asked for together do
    ///     not stay together.
    /// - Returns: the elements where they are other ones than before, in whatever order; `nil` where they are the same.
    public mutating func receive(
        _ outcome: Result<NameAnswer<Element>, ResolutionError>,
        at now: Instant,
        jitter: Double = .random(in: 0...1)
    ) -> [Element]? {
        switch outcome {
        case .success(let answer):
            failure = nil
            backoff = 0
            let early = Int64(Double(answer.lifetime) * 0.1 * min(max(jitter, 0), 1))
            next = now + max(answer.lifetime - early, AnswerLifetime.shortest)
            guard Set(answer.elements) != Set(elements) else { return nil }
            elements = answer.elements
            return elements
        case .failure(let error):
            failure = error
            backoff = min(max(backoff * 2, Self.firstBackoff), Self.longestBackoff)
            next = now + (error.kind == .notFound ? max(backoff, Self.notFoundBackoff) : backoff)
            return nil
        }
    }
}
