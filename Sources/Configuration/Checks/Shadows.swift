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
    /// Routes with the same priority and path are tried in this order: those that are written with its end, those that name
    /// methods, those with more conditions, then the order of the file. So only they can hide each other, but for two cases: `/a/{x*}` is left with
    /// nothing where others take `/a`, `/a/` and `/a/{x+}`; and a route with a higher priority hides whatever is narrower.
    static func shadows(among routes: [Route]) -> [Shadow] {
        let index = RouteIndex(routes)
        return routes.indices.compactMap { route in
            let covering = index.forms[route].map { index.covering(route, $0, onlyBefore: true) }
            if let by = covering[0], !covering.contains(nil) { return Shadow(route: route, by: by) }
            return emptyRest(route, index)
        }
    }

    /// Judges a route that ends in `{x*}` where others may take what ends before it and what `{x+}` takes.
    private static func emptyRest(_ route: Int, _ index: RouteIndex) -> Shadow? {
        guard case .rest? = index.forms[route][0].shape.last else { return nil }
        let stem = index.forms[route][0].shape.dropLast()
        let isCovered = { (shape: [PathPattern.Segment]) in
            index.covering(route, RouteIndex.Form(shape: shape, isOwn: true), onlyBefore: false)
        }
        guard let by = isCovered(stem + [.oneOrMore("")]), isCovered(stem + [.literal("")]) != nil,
            stem.isEmpty || isCovered(Array(stem)) != nil
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

    /// A path without the names of its parameters.
    struct Form {
        let shape: [PathPattern.Segment]

        /// Whether the route is written so: if not, with a final slash more or less.
        let isOwn: Bool
    }

    /// A route, and whether it takes a path in the form that it is written with.
    private struct Taker {
        let route: Int
        let isOwn: Bool
    }

    private let routes: [Configuration.Route]
    private var places: [Key: [Taker]] = [:]

    /// What each route takes; its own form first.
    let forms: [[Form]]

    /// The beginnings of the paths of routes that others have a lower priority than.
    private var beginnings: Set<[PathPattern.Segment]> = []

    init(_ routes: [Configuration.Route]) {
        self.routes = routes
        forms = routes.map { route in
            route.forms.map { Form(shape: $0.shape, isOwn: $0 == route.path.value) }
        }
        let lowest = routes.map(\.priority).min() ?? 0
        for (index, route) in routes.enumerated() {
            // All of its conditions must be the other's too, so looking for one of them finds it.
            let condition = Self.conditions(route).first
            for form in forms[index] {
                for host in Self.hosts(route) {
                    let key = Key(shape: form.shape, host: host, condition: condition)
                    places[key, default: []].append(Taker(route: index, isOwn: form.isOwn))
                }
                guard route.priority > lowest else { continue }
                for count in 0...form.shape.count { beginnings.insert(Array(form.shape.prefix(count))) }
            }
        }
    }

    /// The first of the routes that together leave nothing of a form to `route`, judged host by host and method by
    /// method: routes of that form, and wider ones with a higher priority.
    ///
    /// - Parameters:
    ///   - route: the route that may be hidden.
    ///   - form: the paths that may be taken from it.
    ///   - onlyBefore: whether those of that form must be tried before it.
    /// - Returns: one of them, or `nil` where something is left.
    func covering(_ route: Int, _ form: Form, onlyBefore: Bool) -> Int? {
        let hidden = routes[route]
        let wider = widerShapes(than: form.shape)
        var first: Int?
        for host in Self.hosts(hidden) {
            var candidates = candidates(for: hidden, form.shape, host).filter { other in
                other.route != route && routes[other.route].priority >= hidden.priority
                    && (!onlyBefore || precedes(other, Taker(route: route, isOwn: form.isOwn)))
            }
            for host in wider.isEmpty ? [] : Self.widerHosts(than: host) {
                candidates += wider.flatMap { self.candidates(for: hidden, $0, host) }.filter { other in
                    routes[other.route].priority > hidden.priority
                }
            }
            let covering = candidates.map(\.route).filter { routes[$0].isNoNarrower(than: hidden) }.sorted()
            for method in hidden.methods.isEmpty ? [nil] : hidden.methods.map({ Optional($0.value) }) {
                guard let by = covering.first(where: { routes[$0].takes(method) }) else { return nil }
                first = first ?? by
            }
        }
        return first
    }

    private func candidates(
        for hidden: Configuration.Route,
        _ shape: [PathPattern.Segment],
        _ host: HostPattern?
    ) -> [Taker] {
        var keys: [Condition?] = [nil]
        for condition in Self.conditions(hidden) { keys += Set([condition, Condition(condition)]) }
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
    private func precedes(_ first: Taker, _ second: Taker) -> Bool {
        let (left, right) = (routes[first.route], routes[second.route])
        if left.priority != right.priority { return left.priority > right.priority }
        if first.isOwn != second.isOwn { return first.isOwn }
        if left.methods.isEmpty != right.methods.isEmpty { return right.methods.isEmpty }
        let conditions = (left.match.count, right.match.count)
        return conditions.0 != conditions.1 ? conditions.0 > conditions.1 : first.route < second.route
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
