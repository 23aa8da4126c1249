internal import PenstockPatterns

extension Configuration {
    /// A route that no request can reach, and one that takes its requests.
    struct Shadow: Equatable {
        let route: Int
        let by: Int
        var hint: String?
    }

    /// Finds the routes that no request can reach.
    ///
    /// Routes with the same priority and path are tried in this order: those that name methods, those with more
    /// conditions, then the order of the file. So only they can hide each other, but for two cases: `/a/{x*}` is left with
    /// nothing where others take `/a`, `/a/` and `/a/{x+}`; and a route with a higher priority hides whatever is narrower.
    static func shadows(among routes: [Route]) -> [Shadow] {
        let index = RouteIndex(routes)
        return routes.indices.compactMap { route in
            if let by = index.covering(route, shape: index.shapes[route], onlyBefore: true) {
                return Shadow(route: route, by: by)
            }
            return emptyRest(route, index)
        }
    }

    /// Judges a route that ends in `{x*}` where others may take what ends before it and what `{x+}` takes.
    private static func emptyRest(_ route: Int, _ index: RouteIndex) -> Shadow? {
        guard case .rest? = index.shapes[route].last else { return nil }
        let stem = Array(index.shapes[route].dropLast())
        guard let by = index.covering(route, shape: stem + [.oneOrMore("")], onlyBefore: false),
            index.covering(route, shape: stem + [.literal("")], onlyBefore: false) != nil,
            stem.isEmpty || index.covering(route, shape: stem, onlyBefore: false) != nil
        else { return nil }
        return Shadow(route: route, by: by, hint: "together with those for what ends before its parameter")
    }
}

/// Routes by path, host and first condition: those that could hide a route are found without looking at all.
private struct RouteIndex {
    /// What a route that hides another has in common with it.
    private struct Key: Hashable {
        let shape: [PathPattern.Segment]
        let host: HostPattern?
        let condition: Condition?
    }

    /// Where to look for routes by one of their conditions: its value where it asks for one, no value where it asks for
    /// something else.
    private struct Condition: Hashable {
        let source: Source
        let name: String
        let value: String?

        init(_ source: Source, _ condition: Configuration.Condition) {
            self.source = source
            name = condition.name.value
            if case .exact(let text) = condition.value { value = text } else { value = nil }
        }

        /// The same without a value.
        init(_ other: Condition) {
            source = other.source
            name = other.name
            value = nil
        }
    }

    private enum Source { case field, query, cookie }

    private let routes: [Configuration.Route]
    private var places: [Key: [Int]] = [:]

    /// The paths without the names of their parameters.
    let shapes: [[PathPattern.Segment]]

    /// The beginnings of the paths of routes that others have a lower priority than.
    private var beginnings: Set<[PathPattern.Segment]> = []

    init(_ routes: [Configuration.Route]) {
        self.routes = routes
        shapes = routes.map(\.path.value.shape)
        let lowest = routes.map(\.priority).min() ?? 0
        for (index, route) in routes.enumerated() {
            // All of its conditions must be the other's too, so looking for one of them finds it.
            let condition = Self.conditions(route).first
            for host in Self.hosts(route) {
                places[Key(shape: shapes[index], host: host, condition: condition), default: []].append(index)
            }
            guard route.priority > lowest else { continue }
            for count in 0...shapes[index].count { beginnings.insert(Array(shapes[index].prefix(count))) }
        }
    }

    /// The first of the routes that together leave nothing of a shape to `route`, judged host by host and method by
    /// method: routes of that shape, and wider ones with a higher priority.
    ///
    /// - Parameters:
    ///   - route: the route that may be hidden.
    ///   - shape: the path that may be taken from it.
    ///   - onlyBefore: whether those of that shape must be tried before it.
    /// - Returns: one of them, or `nil` where something is left.
    func covering(_ route: Int, shape: [PathPattern.Segment], onlyBefore: Bool) -> Int? {
        let hidden = routes[route]
        let wider = widerShapes(than: shape)
        var first: Int?
        for host in Self.hosts(hidden) {
            var candidates = candidates(for: hidden, shape, host).filter { other in
                other != route && routes[other].priority >= hidden.priority && (!onlyBefore || precedes(other, route))
            }
            for host in wider.isEmpty ? [] : Self.widerHosts(than: host) {
                candidates += wider.flatMap { self.candidates(for: hidden, $0, host) }.filter { other in
                    routes[other].priority > hidden.priority
                }
            }
            candidates = candidates.filter { routes[$0].isNoNarrower(than: hidden) }.sorted()
            for method in hidden.methods.isEmpty ? [nil] : hidden.methods.map({ Optional($0.value) }) {
                guard let by = candidates.first(where: { routes[$0].takes(method) }) else { return nil }
                first = first ?? by
            }
        }
        return first
    }

    private func candidates(
        for hidden: Configuration.Route,
        _ shape: [PathPattern.Segment],
        _ host: HostPattern?
    ) -> [Int] {
        var keys: [Condition?] = [nil]
        for condition in Self.conditions(hidden) {
            keys += Set([condition, Condition(condition)])
        }
        return keys.flatMap { places[Key(shape: shape, host: host, condition: $0)] ?? [] }
    }

    /// The shapes, of routes that others have a lower priority than, that take every path of `shape`.
    private func widerShapes(than shape: [PathPattern.Segment]) -> [[PathPattern.Segment]] {
        guard !beginnings.isEmpty else { return [] }
        // Behind this place no segment is sure to be there and not empty, as `{x+}` asks for one.
        let sure = shape.lastIndex { $0 != .literal("") && $0 != .rest("") } ?? -1
        var found: [[PathPattern.Segment]] = []
        var open: [[PathPattern.Segment]] = [[]]
        while let beginning = open.popLast() {
            guard beginnings.contains(beginning) else { continue }
            found.append(beginning + [.rest("")])
            if sure >= beginning.count { found.append(beginning + [.oneOrMore("")]) }
            guard beginning.count < shape.count else {
                found.append(beginning)
                continue
            }
            let next = shape[beginning.count]
            if next.takesRest { continue }
            open.append(beginning + [next])
            if next != .literal(""), next != .one("") { open.append(beginning + [.one("")]) }
        }
        return found.filter(beginnings.contains)
    }

    /// The host patterns that take every host of another; `nil` is every host.
    private static func widerHosts(than host: HostPattern?) -> [HostPattern?] {
        guard let host else { return [nil] }
        return [host] + host.wider.map { Optional($0) } + [nil]
    }

    /// Whether the first of two routes with the same path is tried before the second.
    private func precedes(_ first: Int, _ second: Int) -> Bool {
        let (left, right) = (routes[first], routes[second])
        if left.priority != right.priority { return left.priority > right.priority }
        if left.methods.isEmpty != right.methods.isEmpty { return right.methods.isEmpty }
        let conditions = (left.match.count, right.match.count)
        return conditions.0 != conditions.1 ? conditions.0 > conditions.1 : first < second
    }

    private static func hosts(_ route: Configuration.Route) -> [HostPattern?] {
        route.hosts.isEmpty ? [nil] : route.hosts.map(\.value)
    }

    private static func conditions(_ route: Configuration.Route) -> [Condition] {
        route.match.headers.map { Condition(.field, $0) } + route.match.query.map { Condition(.query, $0) }
            + route.match.cookies.map { Condition(.cookie, $0) }
    }
}

extension Configuration.Route {
    /// Whether its listeners and conditions leave nothing that `other` would take.
    fileprivate func isNoNarrower(than other: Configuration.Route) -> Bool {
        if !listeners.isEmpty {
            guard !other.listeners.isEmpty else { return false }
            let own = Set(listeners.map(\.value))
            guard other.listeners.allSatisfy({ own.contains($0.value) }) else { return false }
        }
        return match.headers.allSatisfy { $0.isImplied(by: other.match.headers) }
            && match.query.allSatisfy { $0.isImplied(by: other.match.query) }
            && match.cookies.allSatisfy { $0.isImplied(by: other.match.cookies) }
            && takesClients(of: other)
    }

    /// Whether it takes every client that `other` does.
    private func takesClients(of other: Configuration.Route) -> Bool {
        let (own, others) = (match.clientAddress, other.match.clientAddress)
        guard !own.isEmpty else { return true }
        return !others.isEmpty && others.allSatisfy { range in own.contains { $0.value.contains(range.value) } }
    }

    /// Whether it takes requests with a method; `nil`: with any.
    fileprivate func takes(_ method: String?) -> Bool {
        guard !methods.isEmpty else { return true }
        return method.map { method in methods.contains { $0.value == method } } ?? false
    }
}

extension Configuration.Condition {
    /// Whether it holds wherever all of `conditions` do.
    fileprivate func isImplied(by conditions: [Configuration.Condition]) -> Bool {
        conditions.contains { $0.name.value == name.value && value.isImplied(by: $0.value) }
    }
}

extension PathPattern {
    /// The segments without names: two patterns that differ in those alone are one.
    fileprivate var shape: [Segment] {
        segments.map { segment in
            switch segment {
            case .literal: segment
            case .one: .one("")
            case .oneOrMore: .oneOrMore("")
            case .rest: .rest("")
            }
        }
    }
}
