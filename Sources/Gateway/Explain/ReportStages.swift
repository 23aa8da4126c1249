import PenstockBytes
import PenstockConfiguration
import PenstockFunctions
import PenstockHTTP
import PenstockPatterns
import PenstockRouting

extension RouteReport {
    /// One thing that happens to the request, or to its response.
    struct Stage {
        let name: String
        /// What it does to this request.
        let effect: String
    }

    /// What happens to the request, in the order in which it happens; only what has something to do.
    var stages: [Stage] {
        guard let route, case .route(let index) = match else { return [] }
        var stages = [
            Stage(name: "normalise", effect: path),
            Stage(name: "route", effect: route.name.value),
            Stage(name: "client address", effect: clientAddress),
        ]
        let body = settings.first { $0.key == "limits.body" }
        if let body, body.value != "none" {
            stages.append(Stage(name: "limit", effect: "a body of at most \(body.value)"))
        }
        if let places = route.concurrency.value {
            let queue = route.queue
            let wait = "\(queue.length) wait for at most \(queue.wait.value.written)"
            stages.append(Stage(name: "limit", effect: "\(places) requests at a time; \(wait)"))
        }
        if let rewrite = route.rewritePath {
            stages.append(Stage(name: "rewrite", effect: filled(rewrite.value, .path, index) ?? Self.refused))
        }
        if !route.headers.request.isEmpty {
            stages.append(Stage(name: "request fields", effect: summary(of: route.headers.request)))
        }
        if let mirror = route.mirror {
            let effect = "\(mirror.percent)% of the requests to \(mirror.target.summary)"
            stages.append(Stage(name: "mirror", effect: effect))
        }
        stages.append(Stage(name: "target", effect: targetEffect(route, index)))
        if let fallback = route.fallback {
            let causes = fallback.on.map(\.description).joined(separator: ", ")
            let targets = fallback.targets.map(\.summary).joined(separator: ", then ")
            stages.append(Stage(name: "fallback", effect: "on \(causes): \(targets)"))
        }
        if !errorPages.isEmpty {
            stages.append(Stage(name: "error pages", effect: errorPages.map(\.summary).joined(separator: "; ")))
        }
        if !route.headers.response.isEmpty {
            stages.append(Stage(name: "response fields", effect: summary(of: route.headers.response)))
        }
        if let log = configuration.accessLog {
            stages.append(Stage(name: "log", effect: "\(log.format.rawValue), to \(log.to.value.name)"))
        }
        return stages
    }

    private var clientAddress: String {
        let trusted = listener.trustedProxies.map { "\($0)" }.joined(separator: ", ")
        let header = listener.proxyProtocol.value ? "from the PROXY header" : "the peer's"
        if trusted.isEmpty { return "\(header); its forwarding fields are removed" }
        return "from the forwarding fields of \(trusted), else \(header)"
    }

    private func targetEffect(_ route: Configuration.Route, _ index: Int) -> String {
        guard case .redirect(let redirect) = route.target else { return route.target.summary }
        return "redirect \(redirect.status) to \(filled(redirect.to.value, .redirect, index) ?? Self.refused)"
    }

    private func summary(of edits: Configuration.FieldEdits) -> String {
        let removed = edits.removals.map { "remove \($0)" }
        let set = edits.settings.map { setting in
            if case .template(let text) = setting.value { return "set \(setting.name): \(text)" }
            return "set \(setting.name) to a secret"
        }
        return (removed + set).joined(separator: "; ")
    }

    private static let refused = "400: a value that cannot stand there"
}

extension RouteReport {
    /// Every value that holds for the request, from its route outwards.
    var settings: [Setting] {
        guard let route else { return configuration.settings(of: listener, nil) }
        let timeout = Setting(
            key: "timeout",
            value: route.timeout.map { $0.value.written } ?? "none",
            origin: route.timeout.map { .route($0.position) } ?? .standard
        )
        let own = configuration.settings(of: listener, route).map {
            $0.key == "limits.body" ? bodyLimit($0, route) : $0
        }
        return [timeout] + targetSettings(route) + own
    }

    /// The limit of bodies where the target has none of its own that is less.
    private func bodyLimit(_ setting: Setting, _ route: Configuration.Route) -> Setting {
        let limit = FunctionHandler.bodyLimit
        guard case .function = route.target, configuration.limits(of: listener, route).body ?? .max > limit else {
            return setting
        }
        return Setting(key: setting.key, value: Size.written(limit), origin: .payload)
    }

    private func targetSettings(_ route: Configuration.Route) -> [Setting] {
        var seen: Set<String> = []
        return route.targets.flatMap { seen.insert($0.summary).inserted ? settings(of: $0, route) : [] }
    }

    private func settings(of target: Configuration.Target, _ route: Configuration.Route) -> [Setting] {
        switch target {
        case .function(let name):
            let function = configuration.functions.first { $0.name.value == name.value }
            return (function?.settings ?? []).map { $0.below("functions.\(name)") }
        case .upstream(let name):
            let upstream = configuration.upstreams.first { $0.name.value == name.value }
            return (upstream?.settings(of: route) ?? []).map { $0.below("upstreams.\(name)") }
        case .redirect, .respond, .files, .split: return []
        }
    }
}

extension Setting {
    fileprivate func below(_ section: String) -> Setting {
        Setting(key: "\(section).\(key)", value: value, origin: origin)
    }

    /// Who says it, in a word.
    var level: String {
        switch origin {
        case .standard: "default"
        case .process: "process"
        case .listener: "listener"
        case .route: "route"
        case .function: "function"
        case .upstream: "upstream"
        case .payload: "functions (payload limit)"
        }
    }
}
