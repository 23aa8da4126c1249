/// The series of the requests of one listener, route and target, for one loop.
///
/// Series are made when a method and status first occur: 5,000 routes that nobody asks for cost nothing. Of those that
/// did occur there are a few: the one that occurred last is tried first, the others are found by going along an array.
public final class RequestMetrics {
    private struct Series {
        let key: Int
        let requests: Counter
        let duration: Histogram
    }

    private let registry: MetricsRegistry
    private let labels: (listener: String, route: String, target: String)
    private let methods: [String]
    private let shard: Int
    @exclusivity(unchecked) private var series: [Series] = []
    @exclusivity(unchecked) private var last: Series?

    /// Prepares for one listener, route and target.
    ///
    /// - Parameters:
    ///   - registry: where the series live.
    ///   - listener: its name.
    ///   - route: its name; empty where none matched.
    ///   - target: what answers, as `function:hello`; `none` where nothing did.
    ///   - methods: the label of each method's number; the last one stands for all that have none.
    ///   - shard: the loop.
    public init(
        registry: MetricsRegistry,
        listener: String,
        route: String,
        target: String,
        methods: [String],
        shard: Int
    ) {
        precondition(!methods.isEmpty)
        self.registry = registry
        self.labels = (listener, route, target)
        self.methods = methods
        self.shard = shard
    }

    /// Counts one request.
    ///
    /// - Parameters:
    ///   - method: the method's number.
    ///   - status: what was sent; 0 where the connection ended before a status.
    ///   - nanoseconds: from the end of the request's head to the end of the response.
    public func record(method: Int, status: Int, nanoseconds: Int) {
        let key = method << 16 | status
        let entry: Series
        if let last, last.key == key {
            entry = last
        } else {
            entry = series.first { $0.key == key } ?? makeSeries(key: key, method: method, status: status)
            last = entry
        }
        entry.requests.add()
        entry.duration.observe(nanoseconds)
    }

    private func makeSeries(key: Int, method: Int, status: Int) -> Series {
        let name = methods.indices.contains(method) ? methods[method] : methods[methods.count - 1]
        let code = status == 0 ? "none" : String(status)
        let values = [labels.listener, labels.route, labels.target, name, code]
        let entry = Series(
            key: key,
            requests: registry.counter(.requests, values, shard: shard),
            duration: registry.histogram(.requestDuration, values, shard: shard)
        )
        series.append(entry)
        return entry
    }
}
