import Logging
import PenstockConfiguration
import PenstockFilters
import PenstockHTTP
import PenstockHandlers
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
        let routes = try routes(running, upstreams, functions, prepared)
        let router = Router(table: running.table, routes: routes, matchScratch: matchScratch(running))
        let accessLog = accessLogs?.log(of: context.loop)
        var settings: [ServerSettings] = []
        for (index, listener) in running.configuration.listeners.enumerated() {
            settings.append(
                self.settings(of: listener, index, running.configuration, router, routes.count, accessLog)
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
        _ routeCount: Int,
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
                routes: routeCount,
                shard: context.loop.index,
                log: accessLog
            ),
            metrics: ListenerMetrics(
                registry: shared.metrics,
                listener: listener.name.value,
                shard: context.loop.index
            )
        )
    }

    // MARK: Routes

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

    private func routes(
        _ running: RunningConfiguration,
        _ upstreams: [String: Upstream],
        _ functions: FunctionSet,
        _ prepared: FunctionSet.Prepared
    ) throws(GatewayError) -> [Route] {
        var routes: [Route] = []
        for (index, route) in running.configuration.routes.enumerated() {
            let names = running.table.parameterNames(of: index)
            let target = try target(of: route, index, running, upstreams, functions, prepared)
            let edits = route.headers
            var requestStages: [any RequestStage] = []
            if route.trailingSlash.value == .redirect {
                requestStages.append(TrailingSlashStage(hasSlash: route.path.value.endsWithSlash))
            }
            if let rewrite = route.rewritePath {
                requestStages.append(RewriteStage(path: RequestTemplate(rewrite.value, for: .path, parameters: names)))
            }
            if !edits.request.isEmpty {
                requestStages.append(RequestFieldsStage(try fieldEdits(edits.request, names, route)))
            }
            var responseStages: [any ResponseStage] = []
            if saysVia(route, running.configuration) { responseStages.append(ViaStage()) }
            if !edits.response.isEmpty {
                responseStages.append(ResponseFieldsStage(try fieldEdits(edits.response, names, route)))
            }
            routes.append(
                Route(
                    index: index,
                    name: route.name.value,
                    targetKind: target.kind,
                    targetName: target.name,
                    parameterNames: names,
                    bodyLimit: route.limits.body.map { $0.value ?? .max },
                    timeout: route.timeout?.value.nanoseconds,
                    clientTimeouts: RouteTimeouts(route.timeouts),
                    requestStages: requestStages,
                    responseStages: responseStages,
                    handler: target.handler
                )
            )
        }
        return routes
    }

    /// Whether responses of the route's upstream say that they came through the gateway.
    private func saysVia(_ route: Configuration.Route, _ configuration: Configuration) -> Bool {
        guard case .upstream(let name) = route.target else { return false }
        return configuration.upstreams.contains {
            $0.name.value == name.value && $0.forwarding.via.value == .both
        }
    }

    private typealias BuiltTarget = (kind: Route.TargetKind, name: String, handler: any Handler)

    private func target(
        of route: Configuration.Route,
        _ index: Int,
        _ running: RunningConfiguration,
        _ upstreams: [String: Upstream],
        _ functions: FunctionSet,
        _ prepared: FunctionSet.Prepared
    ) throws(GatewayError) -> BuiltTarget {
        let names = running.table.parameterNames(of: index)
        switch route.target {
        case .function(let name):
            let handler = try functions.handler(
                for: name.value,
                in: prepared,
                route: route,
                parameterNames: names,
                shard: context.loop.index
            )
            return (.function, name.value, handler)
        case .upstream(let name):
            guard let upstream = upstreams[name.value],
                let settings = running.configuration.upstreams.first(where: { $0.name.value == name.value })
            else { throw GatewayError("there is no upstream '\(name)'") }
            return (.upstream, name.value, ProxyHandler(upstream, RelaySettings(settings, route)))
        case .redirect(let redirect):
            let template = RequestTemplate(redirect.to.value, for: .redirect, parameters: names)
            return (.redirect, "", RedirectHandler(to: template, status: redirect.status))
        case .respond(let respond):
            return (.respond, "", FixedResponseHandler(status: respond.status.value, body: Array(respond.body.utf8)))
        case .files(let files):
            return (.files, "", try fileHandler(files, route, running.table.restParameter(of: index)))
        }
    }

    private func fileHandler(
        _ files: Configuration.Files,
        _ route: Configuration.Route,
        _ rest: Int?
    ) throws(GatewayError) -> StaticFilesHandler {
        // The rest of the path that the pattern leaves open names the file; a rewrite, or a closed pattern, the whole.
        let parameter = route.rewritePath == nil ? rest : nil
        do throws(SystemError) {
            return try StaticFilesHandler(
                root: files.root.value,
                index: files.index,
                parameter: parameter,
                precompressed: files.precompressed
            )
        } catch {
            throw GatewayError("route '\(route.name)': files.root '\(files.root)': \(error.reason)")
        }
    }

    private func fieldEdits(
        _ edits: Configuration.FieldEdits,
        _ names: [String],
        _ route: Configuration.Route
    ) throws(GatewayError) -> FieldEdits {
        var settings: [FieldEdits.Setting] = []
        for setting in edits.settings {
            switch setting.value {
            case .template(let template):
                let value = RequestTemplate(template, for: .field, parameters: names)
                settings.append(FieldEdits.Setting(name: setting.name.value, value: .template(value)))
            case .secret(let secret):
                let value = Array(secret.reveal().utf8)
                settings.append(FieldEdits.Setting(name: setting.name.value, value: .literal(value)))
            }
        }
        do throws(FieldEdits.Problem) {
            return try FieldEdits(set: settings, remove: edits.removals.map(\.value))
        } catch {
            throw GatewayError("route '\(route.name)': \(error)")
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

extension RouteTimeouts {
    /// What the route sets; `nil` where it sets nothing.
    fileprivate init?(_ written: Configuration.TimeoutOverrides) {
        self.init()
        body = written.body?.value.nanoseconds
        bodyRate = written.bodyRate?.value
        write = written.write?.value.nanoseconds
        if self == RouteTimeouts() { return nil }
    }
}
