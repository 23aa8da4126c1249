import PenstockSystem

/// Retries in proportion to requests, so that an upstream in need is not asked twice as much (one for each loop).
///
/// Every request earns a part of a retry. Some are there from the beginning, and one more comes with each second, so that
/// an upstream with little traffic has them too.
struct RetryBudget {
    private static let price = 100
    private static let initial = 10 * price
    private static let most = 100 * price

    private let percent: Int
    private var balance: Int
    private var refilled = Instant.never

    /// A budget of `percent` retries for a hundred requests; 0: none at all.
    init(percent: Int) {
        self.percent = percent
        balance = percent > 0 ? Self.initial : 0
    }

    /// A request begins.
    mutating func earn() {
        balance &+= percent
        if balance > Self.most { balance = percent > 0 ? Self.most : 0 }
    }

    /// Takes a retry, if there is one.
    mutating func spend(at now: Instant) -> Bool {
        guard percent > 0 else { return false }
        if refilled == .never {
            refilled = now
        } else {
            let seconds = Int((now - refilled) / 1_000_000_000)
            balance = min(Self.most, balance + seconds * Self.price)
            refilled = refilled + Int64(seconds) * 1_000_000_000
        }
        guard balance >= Self.price else { return false }
        balance -= Self.price
        return true
    }
}
