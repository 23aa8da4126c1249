import PenstockConfiguration
import PenstockFilters
import PenstockHTTP
import PenstockHandlers
import PenstockPatterns
import PenstockReverseProxy
import PenstockRouting
import PenstockSystem
import PenstockTransport

/// Builds the routes that one loop runs from a configuration.
final class RouteAssembly {
    /// Pages for what is answered without a route.
    let errorPages: ErrorPages?

    /// How many targets the routes have, all together.
    private(set) var targetCount = 0

    private let shared: Shared
    private let shard: Int
    private let running: RunningConfiguration
    private let upstreams: [String: Upstream]
    private let functions: FunctionSet
    private let prepared: FunctionSet.Prepared
    private let pages: [ErrorPage]

    /// Prepares to build the routes of a loop.
    ///
    /// - Parameters:
    ///   - shared: what lives as long as the process.
    ///   - shard: the loop's number.
    ///   - running: the configuration.
    ///   - upstreams: the loop's, by name.
    ///   - functions: those of the process.
    ///   - prepared: the functions of this configuration.
    /// - Throws: ``GatewayError``.
    init(
        _ shared: Shared,
        shard: Int,
        _ running: RunningConfiguration,
        _ upstreams: [String: Upstream],
        _ functions: FunctionSet,
        _ prepared: FunctionSet.Prepared
    ) throws(GatewayError) {
        self.shared = shared
        self.shard = shard
        self.running = running
        self.upstreams = upstreams
        self.functions = functions
        self.prepared = prepared
        pages = try Self.pages(running.configuration.errorPages)
        errorPages = pages.isEmpty ? nil : ErrorPages(pages)
    }

    /// The routes, in the order of the table.
    func routes() throws(GatewayError) -> [Route] {
        var routes: [Route] = []
        for index in running.configuration.routes.indices { routes.append(try route(index)) }
        return routes
    }

    private func route(_ index: Int) throws(GatewayError) -> Route {
        let route = running.configuration.routes[index]
        let names = running.table.parameterNames(of: index)
        let pages = try errorPages(of: route)
        var responseStages: [any ResponseStage] = []
        let target = try target(of: route, index, &responseStages)
        if !route.headers.response.isEmpty {
            responseStages.append(ResponseFieldsStage(try fieldEdits(route.headers.response, names, route)))
        }
        return Route(
            index: index,
            name: route.name.value,
            target: target,
            parameterNames: names,
            bodyLimit: route.limits.body.map { $0.value ?? .max },
            timeout: route.timeout?.value.nanoseconds,
            clientTimeouts: RouteTimeouts(route.timeouts),
            requestStages: try requestStages(of: route, index),
            responseStages: responseStages,
            watcher: try watcher(of: route, index, pages),
            bodyBuffer: bodyBuffer(of: route),
            errorPages: pages
        )
    }

    // MARK: Stages

    private func requestStages(of route: Configuration.Route, _ index: Int) throws(GatewayError) -> [any RequestStage] {
        let names = running.table.parameterNames(of: index)
        var stages: [any RequestStage] = []
        if route.trailingSlash.value == .redirect {
            stages.append(TrailingSlashStage(hasSlash: route.path.value.endsWithSlash))
        }
        if let limit = running.limits[route.name.value] { stages.append(ConcurrencyStage(limit)) }
        if let rewrite = route.rewritePath {
            stages.append(RewriteStage(path: RequestTemplate(rewrite.value, for: .path, parameters: names)))
        }
        if !route.headers.request.isEmpty {
            stages.append(RequestFieldsStage(try fieldEdits(route.headers.request, names, route)))
        }
        if let mirror = route.mirror {
            let metrics = MirrorMetrics(registry: shared.metrics, route: route.name.value, shard: shard)
            let target = try build(mirror.target, route, index, isCopy: true)
            stages.append(MirrorStage(to: target, percent: mirror.percent.value, metrics: metrics))
        }
        return stages
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

    // MARK: Targets

    private func target(
        of route: Configuration.Route,
        _ index: Int,
        _ stages: inout [any ResponseStage]
    ) throws(GatewayError) -> RouteTarget {
        guard case .split(let split) = route.target else { return try build(route.target, route, index) }
        var shares: [SplitHandler.Share] = []
        var names: [String: Int] = [:]
        for weighted in split.targets {
            let target = try build(weighted.target, route, index)
            let name = "\(target.kind.rawValue):\(target.name)"
            names[name, default: 0] += 1
            let share = SplitHandler.Share(target, weight: weighted.weight.value, name: "\(name)#\(names[name] ?? 0)")
            shares.append(share)
        }
        switch split.sticky {
        case nil: return target(.split, "", SplitHandler(shares, by: nil))
        case .header(let name): return target(.split, "", SplitHandler(shares, by: .header(Array(name.value.utf8))))
        case .cookie(let sticky):
            let cookie = StickyCookie(
                sticky.cookie.value,
                seconds: sticky.age.value.map { Int($0.components.seconds) }
            )
            stages.append(SplitCookieStage(shares, cookie))
            return target(.split, "", SplitHandler(shares, by: .cookie(cookie)))
        }
    }

    private func target(_ kind: RouteTarget.Kind, _ name: String, _ handler: any Handler) -> RouteTarget {
        defer { targetCount += 1 }
        return RouteTarget(index: targetCount, kind: kind, name: name, handler: handler)
    }

    private func build(
        _ target: Configuration.Target,
        _ route: Configuration.Route,
        _ index: Int,
        isCopy: Bool = false
    ) throws(GatewayError) -> RouteTarget {
        let names = running.table.parameterNames(of: index)
        switch target {
        case .function(let name):
            let handler = try functions.handler(
                for: name.value,
                in: prepared,
                route: route,
                parameterNames: names,
                shard: shard
            )
            return self.target(.function, name.value, handler)
        case .upstream(let name):
            guard let upstream = upstreams[name.value] else { throw GatewayError("there is no upstream '\(name)'") }
            let settings = running.configuration.upstreams.first { $0.name.value == name.value }
            var relay = settings.map { RelaySettings($0, route) } ?? RelaySettings()
            // Nobody would be at the other end of its tunnel.
            if isCopy { relay.allowsWebSocket = false }
            return self.target(.upstream, name.value, ProxyHandler(upstream, relay))
        case .redirect(let redirect):
            let template = RequestTemplate(redirect.to.value, for: .redirect, parameters: names)
            return self.target(.redirect, "", RedirectHandler(to: template, status: redirect.status))
        case .respond(let respond):
            let handler = FixedResponseHandler(status: respond.status.value, body: Array(respond.body.utf8))
            return self.target(.respond, "", handler)
        case .files(let files):
            return self.target(.files, "", try fileHandler(files, route, running.table.restParameter(of: index)))
        case .split: throw GatewayError("route '\(route.name)': a split in a split")
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

    // MARK: Failures

    private func watcher(
        of route: Configuration.Route,
        _ index: Int,
        _ pages: ErrorPages?
    ) throws(GatewayError) -> (any AnswerWatcher)? {
        let intercepting = pages?.replacesAnswers == true ? pages : nil
        guard let fallback = route.fallback else { return intercepting }
        var targets: [RouteTarget] = []
        for target in fallback.targets { targets.append(try build(target, route, index)) }
        var statuses: [ClosedRange<Int>] = []
        for case .status(let range) in fallback.on.map(\.value) { statuses.append(range) }
        let hasErrors = fallback.on.contains { $0.value == .error }
        return Fallback(targets, onErrors: hasErrors, statuses: statuses, pages: intercepting)
    }

    /// What is kept of a request's body, where somebody behind the first target may need it.
    private func bodyBuffer(of route: Configuration.Route) -> Int {
        let needsBody = route.fallback?.targets.contains { target in
            switch target {
            case .function, .upstream: true
            case .redirect, .respond, .files, .split: false
            }
        }
        guard needsBody == true else { return 0 }
        if case .upstream(let name) = route.target,
            let upstream = running.configuration.upstreams.first(where: { $0.name.value == name.value })
        {
            return upstream.buffer(of: route).request
        }
        return route.buffer.request?.value ?? Configuration.Buffer().request
    }

    private func errorPages(of route: Configuration.Route) throws(GatewayError) -> ErrorPages? {
        route.errorPages.isEmpty ? errorPages : ErrorPages(try Self.pages(route.errorPages) + pages)
    }

    private static func pages(_ pages: [Configuration.ErrorPage]) throws(GatewayError) -> [ErrorPage] {
        try pages.map { page throws(GatewayError) in try ErrorPage(page) }
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
