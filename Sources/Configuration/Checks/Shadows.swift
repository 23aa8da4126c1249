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
    func shadows() -> [Shadow] {
        let shapes = routes.map(\.path.value.shape)
        let groups = Dictionary(grouping: routes.indices) { shapes[$0] }
        var found: [Shadow] = []
        for group in groups.values where group.count > 1 {
            // The order of the router, so that only what stands before a route is looked at.
            let ordered = group.sorted { precedes($0, $1) }
            for (index, route) in ordered.enumerated() {
                if let by = covered(route, by: ordered[..<index]) { found.append(Shadow(route: route, by: by)) }
            }
        }
        found += emptyRests(groups)
        return found.sorted { $0.route < $1.route }
    }

    /// Whether the first of two routes with the same path is tried before the second.
    private func precedes(_ first: Int, _ second: Int) -> Bool {
        let (left, right) = (routes[first], routes[second])
        if left.methods.isEmpty != right.methods.isEmpty { return right.methods.isEmpty }
        let conditions = (left.match.count, right.match.count)
        return conditions.0 != conditions.1 ? conditions.0 > conditions.1 : first < second
    }

    /// The first of the routes that together leave nothing to `route`, judged host by host and method by method.
    private func covered(_ route: Int, by earlier: some Sequence<Int>) -> Int? {
        let hidden = routes[route]
        let candidates = earlier.filter { routes[$0].isNoNarrower(than: hidden) }
        guard !candidates.isEmpty else { return nil }
        var first: Int?
        for host in hidden.hosts.isEmpty ? [nil] : hidden.hosts.map({ Optional($0.value) }) {
            for method in hidden.methods.isEmpty ? [nil] : hidden.methods.map({ Optional($0.value) }) {
                guard let by = candidates.first(where: { routes[$0].takes(host, method) }) else { return nil }
                first = first ?? by
            }
        }
        return first
    }

    /// Routes that end in `{x*}` where others take what ends before it and what `{x+}` takes.
    private func emptyRests(_ groups: [[PathPattern.Segment]: [Int]]) -> [Shadow] {
        var found: [Shadow] = []
        for (shape, group) in groups {
            guard case .rest? = shape.last else { continue }
            let stem = Array(shape.dropLast())
            let some = groups[stem + [.oneOrMore("")]] ?? []
            let bare = stem.isEmpty ? [] : groups[stem] ?? []
            let slash = groups[stem + [.literal("")]] ?? []
            for route in group {
                guard let by = covered(route, by: some), covered(route, by: slash) != nil else { continue }
                guard stem.isEmpty || covered(route, by: bare) != nil else { continue }
                found.append(
                    Shadow(route: route, by: by, hint: "together with those for what ends before its parameter")
                )
            }
        }
        return found
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

    /// Whether it takes requests to a host (`nil`: one that no route names) with a method (`nil`: any).
    fileprivate func takes(_ host: HostPattern?, _ method: String?) -> Bool {
        if let host {
            guard hosts.contains(where: { $0.value == host }) else { return false }
        } else if !hosts.isEmpty {
            return false
        }
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
