import Dispatch
import PenstockBytes
import PenstockObservability
import Testing

@Suite("Metrics")
struct MetricsTests {
    private static let hits = MetricFamily("hits_total", .counter, "Hits.", labels: ["who"])
    private static let depth = MetricFamily("depth", .gauge, "Depth.\nIn \\ \"metres\".")
    private static let wait = MetricFamily(
        "wait_seconds",
        .histogram,
        "Waits.",
        unit: .nanoseconds,
        labels: ["who"],
        bounds: [1_000_000, 2_500_000_000]
    )

    private func text(_ registry: MetricsRegistry) -> String {
        var buffer = ByteBuffer()
        registry.write(to: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    @Test func `the shares of all loops are summed`() {
        let registry = MetricsRegistry(families: [Self.hits])
        registry.counter(Self.hits, ["a"], shard: 0).add()
        registry.counter(Self.hits, ["a"], shard: 3).add(5)
        registry.counter(Self.hits, ["b"], shard: 1).add(7)
        #expect(registry.value(Self.hits, ["a"]) == 6)
        #expect(registry.value(Self.hits, ["b"]) == 7)
        #expect(registry.value(Self.hits, ["c"]) == 0)
    }

    @Test func `the same name and labels are the same cell, so counts outlive a reload`() {
        let registry = MetricsRegistry(families: [])
        let before = registry.counter(Self.hits, ["a"], shard: 1)
        before.add(2)
        let after = registry.counter(Self.hits, ["a"], shard: 1)
        after.add(3)
        before.add(4)
        #expect(registry.value(Self.hits, ["a"]) == 9)
    }

    @Test func `a gauge rises and falls across loops`() {
        let registry = MetricsRegistry(families: [])
        registry.gauge(Self.depth, shard: 0).add(3)
        registry.gauge(Self.depth, shard: 1).add(-2)
        #expect(registry.value(Self.depth) == 1)
        registry.gauge(Self.depth, shard: 0).set(10)
        #expect(registry.value(Self.depth) == 8)
    }

    @Test(arguments: [(0, 0), (1_000_000, 0), (1_000_001, 1), (2_500_000_000, 1), (2_500_000_001, 2), (.max, 2)])
    func `an observation falls into the first bucket that it is not above`(_ value: Int, _ bucket: Int) {
        let registry = MetricsRegistry(families: [Self.wait])
        registry.histogram(Self.wait, ["x"]).observe(value)
        let counts = ["0.001", "2.5", "+Inf"].map { bound in
            text(registry).split(separator: "\n").first { $0.contains("le=\"\(bound)\"") }?.split(separator: " ").last
        }
        #expect(counts == (0..<3).map { $0 < bucket ? "0" : "1" })
        #expect(registry.value(Self.wait, ["x"]) == 1)
    }

    @Test func `the text is Prometheus' format, escaped`() {
        let registry = MetricsRegistry(families: [Self.hits, Self.depth, Self.wait])
        registry.counter(Self.hits, ["b"]).add(1)
        registry.counter(Self.hits, ["a\"\\\nz"]).add(2)
        registry.gauge(Self.depth).set(-4)
        let wait = registry.histogram(Self.wait, ["w"], shard: 2)
        for value in [500_000, 1_500_000, 2_000_000_000, 3_000_000_000] { wait.observe(value) }
        let shown = text(registry).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            shown.filter { !$0.contains("process_") }.joined(separator: "\n") == #"""
                # HELP hits_total Hits.
                # TYPE hits_total counter
                hits_total{who="a\"\\\nz"} 2
                hits_total{who="b"} 1
                # HELP depth Depth.\nIn \\ "metres".
                # TYPE depth gauge
                depth -4
                # HELP wait_seconds Waits.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{who="w",le="0.001"} 1
                wait_seconds_bucket{who="w",le="2.5"} 3
                wait_seconds_bucket{who="w",le="+Inf"} 4
                wait_seconds_sum{who="w"} 5.002
                wait_seconds_count{who="w"} 4

                """#
        )
    }

    @Test func `two writers and a reader see every bump`() {
        let registry = MetricsRegistry(families: [])
        DispatchQueue.concurrentPerform(iterations: 4) { shard in
            let counter = registry.counter(Self.hits, ["a"], shard: shard)
            let shared = registry.counter(Self.hits, ["b"], shard: 0)
            for _ in 0..<10_000 {
                counter.add()
                shared.addShared()
            }
            _ = text(registry)
        }
        #expect(registry.value(Self.hits, ["a"]) == 40_000)
        #expect(registry.value(Self.hits, ["b"]) == 40_000)
    }

    @Test func `requests are counted by listener, route, target, method and status`() {
        let registry = MetricsRegistry()
        let metrics = RequestMetrics(
            registry: registry,
            listener: "public",
            route: "GET /hello",
            target: "function:hello",
            methods: ["GET", "other"],
            shard: 1
        )
        metrics.record(method: 0, status: 200, nanoseconds: 1_000)
        metrics.record(method: 0, status: 200, nanoseconds: 2_000)
        metrics.record(method: 9, status: 0, nanoseconds: 3_000)
        let place = ["public", "GET /hello", "function:hello"]
        #expect(registry.value(.requests, place + ["GET", "200"]) == 2)
        #expect(registry.value(.requestDuration, place + ["GET", "200"]) == 2)
        #expect(registry.value(.requests, place + ["other", "none"]) == 1)
    }

    @Test func `the process is described`() {
        let registry = MetricsRegistry()
        _ = text(registry)
        #expect(registry.value(.processMemory) > 1 << 20)
        #expect(registry.value(.processDescriptors) >= 3)
        #expect(registry.value(.processDescriptorLimit) > 0)
        #expect(registry.value(.processCPU) > 0)
        #expect(registry.value(.processStartTime) > 1_700_000_000_000_000_000)
    }
}
