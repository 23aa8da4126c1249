import PenstockHTTP
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport

/// Counts the exchanges of one listener on one loop, and writes their lines to the access log.
final class RequestRecorder: ExchangeRecorder, Flushable {
    private let registry: MetricsRegistry
    private let listener: String
    private let listenerText: [UInt8]
    private let shard: Int
    private let log: AccessLog?
    @exclusivity(unchecked) private var isFlushPlanned = false
    @exclusivity(unchecked) private var perTarget: [TargetRecord?]
    private let unrouted: TargetRecord
    private let inFlight: Gauge
    private let receivedBytes: Counter
    private let sentBytes: Counter

    /// The series and texts of one target of a route.
    private final class TargetRecord {
        let metrics: RequestMetrics
        let name: [UInt8]
        let target: AccessLogEntry.Target
        let targetName: [UInt8]

        init(metrics: RequestMetrics, name: [UInt8], target: AccessLogEntry.Target, targetName: [UInt8]) {
            self.metrics = metrics
            self.name = name
            self.target = target
            self.targetName = targetName
        }
    }

    private static let methods = Method.allCases.map { $0 == .other ? "other" : "\($0.name)" }

    init(registry: MetricsRegistry, listener: String, targets: Int, shard: Int, log: AccessLog?) {
        self.registry = registry
        self.listener = listener
        self.shard = shard
        self.log = log
        listenerText = Array(listener.utf8)
        perTarget = Array(repeating: nil, count: targets)
        unrouted = TargetRecord(
            metrics: Self.metrics(registry, listener, "", "none", shard),
            name: [],
            target: .none,
            targetName: []
        )
        inFlight = registry.gauge(.requestsInFlight, [listener], shard: shard)
        receivedBytes = registry.counter(.receivedBytes, [listener], shard: shard)
        sentBytes = registry.counter(.sentBytes, [listener], shard: shard)
    }

    private static func metrics(
        _ registry: MetricsRegistry,
        _ listener: String,
        _ route: String,
        _ target: String,
        _ shard: Int
    ) -> RequestMetrics {
        RequestMetrics(
            registry: registry,
            listener: listener,
            route: route,
            target: target,
            methods: methods,
            shard: shard
        )
    }

    func began() { inFlight.add(1) }

    func ended(_ exchange: Exchange) {
        inFlight.add(-1)
        let record = record(of: exchange)
        let status = exchange.hasResponded ? exchange.response.status : exchange.failure?.status ?? 0
        let now = log == nil ? exchange.now : MonotonicClock.now()
        let duration = Int(max(0, now - exchange.startedAt))
        record.metrics.record(method: Int(exchange.head.method.rawValue), status: status, nanoseconds: duration)
        receivedBytes.add(exchange.bytesReceived)
        sentBytes.add(exchange.bytesSent)
        guard let log else { return }
        write(exchange, record, status, duration, to: log)
        if !isFlushPlanned {
            isFlushPlanned = true
            exchange.loop.flushAfterRound(self)
        }
    }

    /// Hands the lines of this round to the writer.
    func flush() {
        isFlushPlanned = false
        log?.flush()
    }

    private func record(of exchange: Exchange) -> TargetRecord {
        guard let index = exchange.targetIndex else { return unrouted }
        return perTarget[index] ?? makeRecord(exchange)
    }

    private func makeRecord(_ exchange: Exchange) -> TargetRecord {
        guard let route = exchange.route else { return unrouted }
        let target = exchange.target ?? route.target
        let label = target.name.isEmpty ? target.kind.rawValue : "\(target.kind.rawValue):\(target.name)"
        let record = TargetRecord(
            metrics: Self.metrics(registry, listener, route.name, label, shard),
            name: Array(route.name.utf8),
            target: Self.target(target.kind),
            targetName: Array(target.name.utf8)
        )
        perTarget[target.index] = record
        return record
    }

    private static func target(_ kind: RouteTarget.Kind) -> AccessLogEntry.Target {
        switch kind {
        case .function: .function
        case .upstream: .upstream
        case .redirect: .redirect
        case .respond: .respond
        case .files: .files
        case .split: .split
        }
    }

    private func write(_ exchange: Exchange, _ record: TargetRecord, _ status: Int, _ duration: Int, to log: AccessLog)
    {
        var reason = exchange.failure.map { "\($0.side.rawValue): \($0.reason)" } ?? ""
        reason.withUTF8 { reason in
            record.name.withUnsafeBytes { name in
                record.targetName.withUnsafeBytes { targetName in
                    listenerText.withUnsafeBytes { listener in
                        var entry = AccessLogEntry()
                        entry.wallNanoseconds = MonotonicClock.wallNanoseconds()
                        entry.client = exchange.clientAddress
                        entry.method = exchange.head.methodName
                        entry.path = exchange.head.routedPath
                        entry.query = exchange.head.query ?? UnsafeRawBufferPointer(start: nil, count: 0)
                        entry.version = exchange.head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1"
                        entry.status = status
                        entry.receivedBytes = exchange.bytesReceived
                        entry.sentBytes = exchange.bytesSent
                        entry.totalNanoseconds = duration
                        let hasRun = exchange.runNanoseconds >= 0
                        if hasRun { entry.runNanoseconds = Int(exchange.runNanoseconds) }
                        if record.target == .function, hasRun || exchange.queueNanoseconds > 0 {
                            entry.queueNanoseconds = Int(exchange.queueNanoseconds)
                        }
                        entry.listener = listener
                        entry.route = name
                        entry.target = record.target
                        entry.targetName = targetName
                        entry.requestID = exchange.requestID
                        entry.error = UnsafeRawBufferPointer(reason)
                        log.append(entry)
                    }
                }
            }
        }
    }
}
