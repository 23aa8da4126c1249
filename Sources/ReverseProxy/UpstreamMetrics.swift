public import PenstockObservability
import PenstockTransport

/// What one loop counts of an upstream.
///
/// The series of a status are made when it first occurs; the one that occurred last is found at once.
public final class UpstreamMetrics {
    private let registry: MetricsRegistry
    private let upstream: String
    private let shard: Int
    private let firstByte: Histogram
    private let connects: Counter
    private let retries: Counter
    @exclusivity(unchecked) private var requests: [(status: Int, counter: Counter)] = []

    /// The connections that wait for a request.
    let idle: Gauge

    /// The connections that have one.
    let busy: Gauge

    /// The series of an upstream.
    ///
    /// - Parameters:
    ///   - registry: where they live.
    ///   - upstream: its name.
    ///   - shard: the loop.
    public init(registry: MetricsRegistry, upstream: String, shard: Int) {
        self.registry = registry
        self.upstream = upstream
        self.shard = shard
        firstByte = registry.histogram(.upstreamFirstByte, [upstream], shard: shard)
        connects = registry.counter(.upstreamConnects, [upstream], shard: shard)
        retries = registry.counter(.upstreamRetries, [upstream], shard: shard)
        idle = registry.gauge(.upstreamConnections, [upstream, "idle"], shard: shard)
        busy = registry.gauge(.upstreamConnections, [upstream, "busy"], shard: shard)
    }

    func connected() { connects.add() }

    func retried() { retries.add() }

    /// The head of a response has come.
    func answered(_ status: Int, nanoseconds: Int64) {
        counter(status).add()
        firstByte.observe(Int(nanoseconds))
    }

    /// The request had been sent, and was given up before there was an answer.
    func unanswered() { counter(0).add() }

    func failed(_ failure: ClientFailure) {
        switch failure.kind {
        case .connect: registry.counter(.upstreamConnectErrors, [upstream, "failed"], shard: shard).add()
        case .exhausted: registry.counter(.upstreamConnectErrors, [upstream, "exhausted"], shard: shard).add()
        case .connectTimeout: registry.counter(.upstreamConnectErrors, [upstream, "timeout"], shard: shard).add()
        case .firstByteTimeout: count("first_byte_timeout")
        case .perTryTimeout: count("per_try_timeout")
        case .idleTimeout: count("idle_timeout")
        case .closed: count("closed")
        case .malformed: count("malformed")
        }
    }

    private func count(_ reason: String) {
        registry.counter(.upstreamErrors, [upstream, reason], shard: shard).add()
    }

    private func counter(_ status: Int) -> Counter {
        if let last = requests.last, last.status == status { return last.counter }
        if let index = requests.firstIndex(where: { $0.status == status }) {
            requests.swapAt(index, requests.count - 1)
        } else {
            let label = status == 0 ? "none" : String(status)
            requests.append((status, registry.counter(.upstreamRequests, [upstream, label], shard: shard)))
        }
        return requests[requests.count - 1].counter
    }
}
