import PenstockSystem
import Testing

@testable import PenstockTransport

@Suite("How fast a body comes")
struct BodyRateTests {
    private static let second: Int64 = 1_000_000_000
    private let start = Instant(nanoseconds: 77)
    private var timeouts = ServerTimeouts()
    private var rate = BodyRate()

    init() {
        timeouts.body = 3 * Self.second
        timeouts.bodyRate = 100
        rate.start(start)
    }

    /// What is said after each second, when so many bytes have come in it; the last one said counts.
    private mutating func verdict(_ bytesBySecond: [Int]) -> String? {
        var said: String?
        for (index, bytes) in bytesBySecond.enumerated() where said == nil {
            if bytes > 0 { rate.count(bytes, at: start + Int64(index + 1) * Self.second) }
            said = rate.violation(start + Int64(index + 1) * Self.second, timeouts)
        }
        return said
    }

    @Test(arguments: [
        ([0, 0], nil), ([0, 0, 0], "timeouts.body"), ([1, 0, 0, 1, 0, 0, 1], nil), ([5000, 0, 0, 0], "timeouts.body"),
        (Array(repeating: 100, count: 40), nil), (Array(repeating: 99, count: 10), "timeouts.body_rate"),
        (Array(repeating: 99, count: 9), nil),
        // Ten seconds are looked at as a whole, and each ten for themselves.
        ([1000] + Array(repeating: 1, count: 9), nil), ([9000] + Array(repeating: 1, count: 19), "timeouts.body_rate"),
    ])
    mutating func `silence and slowness are found, a burst is not slowness`(_ bytes: [Int], _ rule: String?) {
        #expect(verdict(bytes)?.prefix { $0 != ":" } == rule.map { $0[...] })
    }

    @Test mutating func `without a rate only silence counts`() {
        timeouts.bodyRate = 0
        #expect(verdict(Array(repeating: 1, count: 40)) == nil)
    }

    @Test mutating func `a new start forgets what was`() {
        #expect(verdict([1, 0, 0]) == nil)
        rate.start(start + 3 * Self.second)
        #expect(rate.violation(start + 5 * Self.second, timeouts) == nil)
        #expect(rate.violation(start + 6 * Self.second, timeouts) != nil)
    }

    @Test(arguments: [(300_000_000, 300_000_100), (60_000_000_000, 10_000_000_000)])
    mutating func `it is looked at when silence is too long, and after each ten seconds`(
        _ silence: Int64,
        _ next: Int64
    ) {
        timeouts.body = silence
        rate.count(1, at: start + 100)
        #expect(rate.deadline(timeouts) - start == next)
    }
}
