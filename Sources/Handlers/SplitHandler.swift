internal import PenstockBytes
internal import PenstockHTTP
internal import PenstockSystem
public import PenstockTransport

/// Gives each request to one of several targets, by their weights (`split:`).
public final class SplitHandler: Handler {
    /// What keeps a client with its target.
    public enum Key {
        /// A cookie, which ``SplitCookieStage`` sets.
        case cookie(StickyCookie)
        /// The value of a field; the name in lower case.
        case header([UInt8])
    }

    /// A target and its part.
    public struct Share {
        /// Who answers.
        public let target: RouteTarget
        let weight: Int

        /// What a cookie says of the target.
        let cookieValue: [UInt8]

        /// A share of a target.
        ///
        /// - Parameters:
        ///   - target: who answers.
        ///   - weight: its part of the sum of all weights.
        ///   - name: names it among its neighbours, also after a reload.
        public init(_ target: RouteTarget, weight: Int, name: String) {
            self.target = target
            self.weight = weight
            cookieValue = StickyCookie.value(of: name)
        }
    }

    private let shares: [Share]
    private let total: Int
    private let key: Key?
    private var random = RandomSource()

    /// Splits requests.
    ///
    /// - Parameters:
    ///   - shares: at least one with a weight.
    ///   - key: what keeps a client with its target; `nil`: nothing.
    public init(_ shares: [Share], by key: Key?) {
        self.shares = shares
        self.key = key
        total = shares.reduce(0) { $0 + $1.weight }
        precondition(total > 0, "a split without a weight")
    }

    public func handle(_ exchange: Exchange) { exchange.hand(to: choose(for: exchange)) }

    private func choose(for exchange: Exchange) -> RouteTarget {
        switch key {
        case .cookie(let cookie):
            if let value = cookie.value(in: exchange),
                let share = shares.first(where: { $0.weight > 0 && value.elementsEqual($0.cookieValue) })
            {
                return share.target
            }
        case .header(let name):
            let value = name.withUnsafeBytes { exchange.head.fields.first(named: $0) }
            // Mixed once more: an upstream behind it that hashes the same value is not to see one part of its circle alone.
            if let value { return target(at: place(of: StableHash.mix(StableHash.of(value) &+ 1))) }
        case nil: break
        }
        return target(at: random.next(below: total))
    }

    private func place(of hash: UInt64) -> Int { Int(hash.multipliedFullWidth(by: UInt64(total)).high) }

    private func target(at place: Int) -> RouteTarget {
        var rest = place
        for share in shares {
            if rest < share.weight { return share.target }
            rest -= share.weight
        }
        return shares[0].target
    }
}

/// Tells clients to come back to the target that has answered them.
public final class SplitCookieStage: ResponseStage {
    private let shares: [SplitHandler.Share]
    private let cookie: StickyCookie

    /// A stage for the targets of a split.
    public init(_ shares: [SplitHandler.Share], _ cookie: StickyCookie) {
        self.shares = shares
        self.cookie = cookie
    }

    public func apply(to exchange: Exchange) {
        guard exchange.failure == nil, let share = shares.first(where: { $0.target === exchange.target }) else {
            return
        }
        cookie.write(share.cookieValue, to: exchange)
    }
}
