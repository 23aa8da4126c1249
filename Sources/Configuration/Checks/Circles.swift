internal import PenstockBytes
internal import PenstockPatterns

extension Configuration {
    /// Warns of redirects and upstreams that lead back to where they came from.
    func checkCircles(_ reader: inout Reader) {
        checkRedirects(&reader)
        for upstream in upstreams {
            for endpoint in upstream.endpoints { checkEndpoint(endpoint, of: upstream.name.value, &reader) }
        }
    }

    private func checkRedirects(_ reader: inout Reader) {
        guard reader.hasRead("routes", at: reader.root),
            routes.contains(where: { if case .redirect = $0.target { true } else { false } })
        else { return }
        let walk = RedirectWalk(routes)
        for route in routes {
            guard case .redirect(let redirect) = route.target, walk.isEndless(from: route) else { continue }
            reader.warning(
                "'\(redirect.to.value.text.excerpt)' is redirected again, and so on without end",
                at: redirect.to.position
            )
        }
    }

    private func checkEndpoint(_ endpoint: Located<Endpoint>, of upstream: String, _ reader: inout Reader) {
        let address: Address
        switch endpoint.value.place {
        case .http(let host, let port): address = .host(host, port: port)
        case .unix(let path): address = .unix(path)
        case .srv: return
        }
        guard let listener = listeners.first(where: { $0.address.value.overlaps(address) }) else { return }
        let isAsked = routes.contains { route in
            let isTarget = route.targets.contains {
                if case .upstream(let name) = $0 { name.value == upstream } else { false }
            }
            guard isTarget, reader.hasRead("listeners", at: route.position) else { return false }
            return route.listeners.isEmpty || route.listeners.contains { $0.value == listener.name.value }
        }
        guard isAsked else { return }
        reader.warning(
            "this is the gateway's own listener '\(listener.name.value)': requests may go round in circles",
            at: endpoint.position
        )
    }
}

/// Follows redirects inside the file, as a client that sends nothing but GET would.
///
/// It gives up where another route might step in: a warning must be right.
private struct RedirectWalk {
    /// What a client does before it gives up; browsers follow about 20.
    private static let steps = 20

    private let routes: [Configuration.Route]

    /// The routes by the literal segments that their paths begin with.
    private var places: [[String]: [Taker]] = [:]

    /// A route, and one of the forms of its path.
    private struct Taker {
        let route: Int
        let form: PathPattern
    }

    init(_ routes: [Configuration.Route]) {
        self.routes = routes
        for (index, route) in routes.enumerated() {
            for form in route.forms {
                let literals = form.segments.prefix { $0.parameter == nil }
                places[literals.map(\.text), default: []].append(Taker(route: index, form: form))
            }
        }
    }

    /// Whether there is a path that is redirected for ever, beginning with this route.
    func isEndless(from origin: Configuration.Route) -> Bool {
        guard origin.takesGet, origin.match == Configuration.Match() else { return false }
        return [[], ["~"]].contains { rest in
            let segments = origin.path.value.sample(rest: rest)
            var current = segments
            for _ in 0..<Self.steps {
                guard let next = step(from: current, origin) else { return false }
                current = next
            }
            return true
        }
    }

    /// Where a path is redirected to; `nil` where it is not, or that is not sure.
    private func step(from path: [String], _ origin: Configuration.Route) -> [String]? {
        guard let taker = taker(of: path, origin), let captures = taker.form.captures(of: path) else { return nil }
        let route = routes[taker.route]
        if taker.form != route.path.value, route.trailingSlash.value == .redirect {
            return taker.form.endsWithSlash ? path.dropLast() : path + [""]
        }
        guard case .redirect(let redirect) = route.target else { return nil }
        return redirect.to.value.path(captures, from: path)
    }

    /// The route that takes a path on the hosts and listeners of `origin`.
    private func taker(of path: [String], _ origin: Configuration.Route) -> Taker? {
        let matching = (0...path.count).flatMap { places[Array(path.prefix($0))] ?? [] }
            .filter { routes[$0.route].takesGet && $0.form.captures(of: path) != nil }
        let isCertain = matching.map { routes[$0.route] }.allSatisfy { route in
            route.match == Configuration.Match()
                && (route.hosts.isEmpty || route.hosts.map(\.value) == origin.hosts.map(\.value))
                && (route.listeners.isEmpty || route.listeners.map(\.value) == origin.listeners.map(\.value))
        }
        guard isCertain else { return nil }
        return matching.min { rank($0).lexicographicallyPrecedes(rank($1)) }
    }

    /// Lower ranks win: a higher priority, a host, then the path segment by segment, its own form, then methods.
    private func rank(_ taker: Taker) -> [Int] {
        let route = routes[taker.route]
        return [-route.priority, route.hosts.isEmpty ? 1 : 0] + taker.form.segments.map(\.rank)
            + [taker.form == route.path.value ? 0 : 1, route.methods.isEmpty ? 1 : 0]
    }
}

extension Configuration.Route {
    fileprivate var takesGet: Bool { methods.isEmpty || methods.contains { $0.value == "GET" } }
}

extension PathPattern.Segment {
    /// The text, where it is literal.
    fileprivate var text: String { if case .literal(let text) = self { text } else { "" } }

    fileprivate var rank: Int {
        switch self {
        case .literal: 0
        case .one: 1
        case .oneOrMore: 2
        case .rest: 3
        }
    }
}

extension PathPattern {
    /// The segments of a path that it takes.
    fileprivate func sample(rest: [String]) -> [String] {
        segments.flatMap { segment in
            switch segment {
            case .literal(let text): [text]
            case .one, .oneOrMore: ["~"]
            case .rest: rest
            }
        }
    }

    /// What the parameters stand for in a path; `nil` where it does not match.
    fileprivate func captures(of path: [String]) -> [String: String]? {
        var captures: [String: String] = [:]
        for (index, segment) in segments.enumerated() {
            switch segment {
            case .literal(let text):
                guard index < path.count, path[index] == text else { return nil }
            case .one(let name):
                guard index < path.count, !path[index].isEmpty else { return nil }
                captures[name] = path[index]
            case .oneOrMore(let name):
                guard index < path.count, !path[index].isEmpty else { return nil }
                captures[name] = path[index...].joined(separator: "/")
                return captures
            case .rest(let name):
                captures[name] = path.dropFirst(index).joined(separator: "/")
                return captures
            }
        }
        return path.count == segments.count ? captures : nil
    }
}

extension Template {
    /// The segments of the path that it leads to; `nil` where that is another host, or needs a closer look.
    fileprivate func path(_ captures: [String: String], from path: [String]) -> [String]? {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .parameter(let name): text += captures[name] ?? ""
            case .variable(.path): text += "/" + path.joined(separator: "/")
            case .variable(.query), .variable(.host): return nil
            }
        }
        guard text.hasPrefix("/"), !text.hasPrefix("//"), !text.utf8.contains(where: "?#%\\".utf8.contains) else {
            return nil
        }
        let segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isPlain = segments.allSatisfy { ![".", ".."].contains($0) } && !segments.dropLast().contains("")
        return isPlain && segments.count <= 64 ? segments : nil
    }
}
