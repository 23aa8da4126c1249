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
    /// Routes with the same path are tried in this order: those that name methods, those with more conditions, then
    /// the order of the file. So only they can hide each other, but for one case: `/a/{x*}` is left with nothing where
    /// others take `/a`, `/a/` and `/a/{x+}`.
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

    /// One condition of a route, of a field or of the query.
    private struct Condition: Hashable {
        let isField: Bool
        let name: String
        let value: String?
    }

    private let routes: [Configuration.Route]
    private var places: [Key: [Int]] = [:]

    /// The paths without the names of their parameters.
    let shapes: [[PathPattern.Segment]]

    init(_ routes: [Configuration.Route]) {
        self.routes = routes
        shapes = routes.map(\.path.value.shape)
        for (index, route) in routes.enumerated() {
            // All of its conditions must be the other's too, so looking for one of them finds it.
            let condition = Self.conditions(route).first
            for host in Self.hosts(route) {
                places[Key(shape: shapes[index], host: host, condition: condition), default: []].append(index)
            }
        }
    }

    /// The first of the routes of a shape that together leave nothing to `route`, judged host by host and method by
    /// method.
    ///
    /// - Parameters:
    ///   - route: the route that may be hidden.
    ///   - shape: the path of those that may hide it.
    ///   - onlyBefore: whether they must be tried before it.
    /// - Returns: one of them, or `nil` where something is left.
    func covering(_ route: Int, shape: [PathPattern.Segment], onlyBefore: Bool) -> Int? {
        let hidden = routes[route]
        var first: Int?
        for host in Self.hosts(hidden) {
            let candidates = candidates(for: hidden, shape, host).filter { other in
                other != route && (!onlyBefore || precedes(other, route)) && routes[other].isNoNarrower(than: hidden)
            }
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
            keys.append(condition)
            if condition.value != nil {
                keys.append(Condition(isField: condition.isField, name: condition.name, value: nil))
            }
        }
        return keys.flatMap { places[Key(shape: shape, host: host, condition: $0)] ?? [] }.sorted()
    }

    /// Whether the first of two routes with the same path is tried before the second.
    private func precedes(_ first: Int, _ second: Int) -> Bool {
        let (left, right) = (routes[first], routes[second])
        if left.methods.isEmpty != right.methods.isEmpty { return right.methods.isEmpty }
        let conditions = (left.match.count, right.match.count)
        return conditions.0 != conditions.1 ? conditions.0 > conditions.1 : first < second
    }

    private static func hosts(_ route: Configuration.Route) -> [HostPattern?] {
        route.hosts.isEmpty ? [nil] : route.hosts.map(\.value)
    }

    private static func conditions(_ route: Configuration.Route) -> [Condition] {
        route.match.headers.map { Condition(isField: true, name: $0.name.value, value: $0.value) }
            + route.match.query.map { Condition(isField: false, name: $0.name.value, value: $0.value) }
    }
}

extension Configuration.Match {
    /// How many conditions there are.
    fileprivate var count: Int { headers.count + query.count }
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
        conditions.contains { $0.name.value == name.value && (value == nil || value == $0.value) }
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
