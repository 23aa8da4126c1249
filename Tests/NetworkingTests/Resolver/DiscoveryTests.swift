import PenstockNetworking
import PenstockSystem
import Testing

@Suite("Discovery")
struct DiscoveryTests {
    private static func answer(_ elements: [String], seconds: Double) -> Result<NameAnswer<String>, ResolutionError> {
        .success(NameAnswer(elements, lifetime: Int64(seconds * 1e9)))
    }

    private static func failure(_ kind: ResolutionError.Kind) -> Result<NameAnswer<String>, ResolutionError> {
        .failure(ResolutionError(name: "shop", kind: kind, reason: "for a test"))
    }

    @Test func `nobody has asked: at once`() {
        let discovery = Discovery<String>()
        #expect(discovery.next <= MonotonicClock.now())
        #expect(discovery.elements.isEmpty)
    }

    @Test(arguments: [
        // lifetime, jitter, asked again after
        (60, 0, 60), (60, 1, 54), (60, 0.5, 57), (1, 1, 1), (0, 0, 1), (7200, 0, 3600), (60, 7, 54), (60, -7, 60),
    ])
    func `an answer is asked for again a little before it expires`(lifetime: Double, jitter: Double, after: Double) {
        var discovery = Discovery<String>()
        let now = Instant(nanoseconds: 5)
        _ = discovery.receive(Self.answer(["a"], seconds: lifetime), at: now, jitter: jitter)
        #expect(discovery.next - now == Int64(after * 1e9))
    }

    @Test func `only a change is told, and an order is none`() {
        var discovery = Discovery<String>()
        let now = Instant(nanoseconds: 0)
        let rows: [(elements: [String], told: [String]?)] = [
            (["a", "b"], ["a", "b"]),
            (["b", "a"], nil),
            (["a", "b"], nil),
            (["b"], ["b"]),
            (["b", "c"], ["b", "c"]),
        ]
        for row in rows {
            #expect(discovery.receive(Self.answer(row.elements, seconds: 1), at: now) == row.told, "\(row)")
        }
        #expect(discovery.elements == ["b", "c"])
    }

    @Test func `a failure keeps the last good answer, and is tried again more and more seldom`() {
        var discovery = Discovery<String>()
        let now = Instant(nanoseconds: 0)
        _ = discovery.receive(Self.answer(["a"], seconds: 60), at: now)
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            #expect(discovery.receive(Self.failure(.timedOut), at: now) == nil)
            #expect(discovery.next - now == Int64(seconds) * 1_000_000_000)
            #expect(discovery.elements == ["a"])
            #expect(discovery.failure?.kind == .timedOut)
        }
        #expect(discovery.receive(Self.answer(["a"], seconds: 60), at: now, jitter: 0) == nil)
        #expect(discovery.failure == nil)
        #expect(discovery.next - now == 60_000_000_000)
        _ = discovery.receive(Self.failure(.noServer), at: now)
        #expect(discovery.next - now == 1_000_000_000)
    }

    @Test func `a name that does not exist is not asked for every second`() {
        var discovery = Discovery<String>()
        let now = Instant(nanoseconds: 0)
        for seconds in [5, 5, 5, 8, 16, 30] {
            _ = discovery.receive(Self.failure(.notFound), at: now)
            #expect(discovery.next - now == Int64(seconds) * 1_000_000_000)
        }
    }
}
