internal import PenstockHTTP
public import PenstockObservability
internal import PenstockSystem
public import PenstockTransport

/// Sends copies of requests to another target (`mirror:`).
public final class MirrorStage: RequestStage {
    private let target: RouteTarget
    private let percent: Int
    private let settings: ServerSettings
    private let metrics: MirrorMetrics
    private var random = RandomSource()

    /// A stage that copies requests.
    ///
    /// - Parameters:
    ///   - target: who gets the copies.
    ///   - percent: how many requests are copied, 0...100.
    ///   - metrics: what becomes of them.
    public init(to target: RouteTarget, percent: Int, metrics: MirrorMetrics) {
        self.target = target
        self.percent = percent
        self.metrics = metrics
        settings = ServerSettings(
            name: "mirror",
            index: 0,
            limits: HeadLimits(),
            handler: target.handler,
            recorder: metrics
        )
    }

    public func apply(to exchange: Exchange) -> StageVerdict {
        guard percent == 100 || random.next(below: 100) < percent else { return .pass }
        guard RequestCopy.hasRoom(in: exchange.context) else {
            metrics.dropped.add()
            return .pass
        }
        exchange.mirror(by: RequestCopy(for: target, settings))
        return .pass
    }
}

/// What one loop counts of the copies of a route's requests.
public final class MirrorMetrics: ExchangeRecorder {
    private let sent: Counter
    private let failed: Counter
    let dropped: Counter

    /// The series of a route.
    public init(registry: MetricsRegistry, route: String, shard: Int) {
        sent = registry.counter(.mirroredRequests, [route, "sent"], shard: shard)
        failed = registry.counter(.mirroredRequests, [route, "failed"], shard: shard)
        dropped = registry.counter(.mirroredRequests, [route, "dropped"], shard: shard)
    }

    public func ended(_ exchange: Exchange) {
        guard let failure = exchange.failure else { return sent.add() }
        failure.side == .client ? dropped.add() : failed.add()
    }
}
