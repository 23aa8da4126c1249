import Logging
import PenstockConfiguration
import PenstockHTTP
import PenstockNetworking
import PenstockObservability
import PenstockPatterns
import PenstockReverseProxy
import PenstockRouting
import PenstockSystem
import PenstockTransport

/// Builds what one loop runs from a configuration.
///
/// Used by the control thread, which hands what it has built over to the loop; nothing of it is touched after that.
final class LoopAssembly {
    let context: LoopContext
    let server: Server
    private let shared: Shared
    private var upstreams: [String: Upstream] = [:]

    /// What the loop runs of one configuration, to be taken into use, or dropped.
    struct Built {
        /// The settings of every listener, in the configuration's order.
        let settings: [ServerSettings]

        /// The upstreams, by name.
        let upstreams: [String: Upstream]
    }

    init(loop: EventLoop, shared: Shared) {
        self.shared = shared
        context = LoopContext(loop: loop)
        let log = shared.log
        server = Server(context: context, limits: shared.connections) { error in
            log.warning("cannot accept a connection; trying again", metadata: ["error": "\(error)"])
        }
        context.watchClock { [clock = shared.clock] offset in
            guard let seconds = clock.jump(to: offset) else { return }
            log.warning(
                "the clock of the machine was set; deadlines do not follow it",
                metadata: ["seconds": "\(seconds)"]
            )
        }
    }

    /// Builds everything; what runs stays as it is.
    func build(
        _ running: RunningConfiguration,
        _ functions: FunctionSet,
        _ prepared: FunctionSet.Prepared,
        _ statuses: [String: UpstreamStatus],
        _ accessLogs: AccessLogs?
    ) throws(GatewayError) -> Built {
        let upstreams = statuses.mapValues(upstream)
        let assembly = try RouteAssembly(
            shared,
            shard: context.loop.index,
            running,
            upstreams,
            functions,
            prepared
        )
        let routes = try assembly.routes()
        let router = Router(table: running.table, routes: routes, matchScratch: matchScratch(running))
        let accessLog = accessLogs?.log(of: context.loop)
        var settings: [ServerSettings] = []
        for (index, listener) in running.configuration.listeners.enumerated() {
            settings.append(
                self.settings(of: listener, index, running.configuration, router, assembly, accessLog)
            )
        }
        return Built(settings: settings, upstreams: upstreams)
    }

    /// Takes into use what was built.
    ///
    /// - Returns: upstreams that it has no use for, whose idle connections are to be closed on the loop.
    func commit(_ built: Built) -> [Upstream] {
        defer { upstreams = built.upstreams }
        return upstreams.filter { built.upstreams[$0.key] !== $0.value }.map(\.value)
    }

    private func settings(
        of listener: Configuration.Listener,
        _ index: Int,
        _ configuration: Configuration,
        _ router: Router,
        _ assembly: RouteAssembly,
        _ accessLog: AccessLog?
    ) -> ServerSettings {
        let limits = configuration.limits(of: listener)
        return ServerSettings(
            name: listener.name.value,
            index: index,
            limits: HeadLimits(
                requestLine: limits.requestLine,
                head: limits.head,
                fields: limits.fields,
                chunkExtensions: limits.chunkExtensions
            ),
            mergeSlashes: configuration.paths.mergeSlashes,
            rejectEncodedSlashes: configuration.paths.encodedSlashes == .reject,
            bodyLimit: limits.body ?? .max,
            pipelineLimit: limits.pipeline,
            timeouts: ServerTimeouts(configuration.timeouts(of: listener)),
            serverField: configuration.server ?? "",
            proxyProtocol: listener.proxyProtocol.value,
            trusts: { listener.trusts($0) },
            handler: router,
            recorder: RequestRecorder(
                registry: shared.metrics,
                listener: listener.name.value,
                targets: assembly.targetCount,
                shard: context.loop.index,
                log: accessLog
            ),
            errorPages: assembly.errorPages,
            metrics: ListenerMetrics(
                registry: shared.metrics,
                listener: listener.name.value,
                shard: context.loop.index
            )
        )
    }

    private func matchScratch(_ running: RunningConfiguration) -> MatchScratch {
        let log = shared.log
        return MatchScratch { route in
            guard running.isFirstExhaustion(of: route) else { return }
            log.warning(
                "a regular expression took too long for a request, which counts as no match; this is said once",
                metadata: ["route": "\(running.configuration.routes[route].name)"]
            )
        }
    }

    // MARK: Upstreams

    /// The upstream of a name: the one that runs, with its connections, where a reload leaves it as it is.
    private func upstream(_ status: UpstreamStatus) -> Upstream {
        let name = status.settings.name
        if let old = upstreams[name], old.status === status { return old }
        return Upstream(
            status,
            metrics: UpstreamMetrics(registry: shared.metrics, upstream: name, shard: context.loop.index),
            context: context
        )
    }
}

extension Configuration.Listener {
    fileprivate func trusts(_ address: SocketAddress) -> Bool {
        guard address.family != .unix, let ip = IPAddress(bytes: address.bytes) else { return false }
        return trusts(ip)
    }
}

extension Duration {
    /// Whole nanoseconds, bounded by what 64 bits hold: 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : scaled + attoseconds / 1_000_000_000
    }
}

extension ServerTimeouts {
    fileprivate init(_ timeouts: Configuration.Timeouts) {
        self.init()
        head = timeouts.head.nanoseconds
        body = timeouts.body.nanoseconds
        bodyRate = timeouts.bodyRate
        idle = timeouts.idle.nanoseconds
        write = timeouts.write.nanoseconds
    }
}
