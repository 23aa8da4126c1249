internal import PenstockBytes
internal import PenstockPatterns

/// What one loop keeps from request to request, so that to match one allocates nothing.
public final class MatchScratch {
    /// A decoded value of the query.
    @exclusivity(unchecked) var decoded = ByteBuffer()

    @exclusivity(unchecked) private var madeSearcher: ExpressionSearcher?
    private let gaveUp: (Int) -> Void

    /// Begins with nothing.
    ///
    /// - Parameter gaveUp: is told the route each time that one of its regular expressions takes too long for a value,
    ///   which counts as no match.
    public init(gaveUp: @escaping (Int) -> Void = { _ in }) { self.gaveUp = gaveUp }

    /// Made when the first regular expression is searched with.
    private var searcher: ExpressionSearcher {
        if let madeSearcher { return madeSearcher }
        let searcher = ExpressionSearcher()
        madeSearcher = searcher
        return searcher
    }

    /// Whether some part of `text` matches a regular expression of a route.
    func search(_ expression: RegularExpression, in text: UnsafeRawBufferPointer, for route: Int32) -> Bool {
        switch searcher.search(expression, in: text) {
        case .found: return true
        case .notFound: return false
        case .exhausted:
            gaveUp(Int(route))
            return false
        }
    }
}
