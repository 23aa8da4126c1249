/// A route that no request can reach, because others before it take all that it would take.
public struct RouteShadow: Equatable, Sendable {
    /// The route that cannot be reached.
    public let route: Int
    /// The first of those that stand before it.
    public let by: Int
}

extension RouteTable {
    /// Finds the routes that no request can reach.
    ///
    /// Only routes with the same path can hide each other: whatever is less specific is tried later, whatever is more
    /// specific leaves the rest. Whether several routes hide one together is judged method by method and host by host.
    ///
    /// - Returns: each hidden route once, in the order of the file.
    public func shadows() -> [RouteShadow] {
        let groups = Dictionary(grouping: routes.indices) { Shape(segments: patterns[$0].segments.map(\.unnamed)) }
        var found: [RouteShadow] = []
        for group in groups.values where group.count > 1 {
            for route in group {
                if let by = hides(route, group) { found.append(RouteShadow(route: route, by: by)) }
            }
        }
        return found.sorted { $0.route < $1.route }
    }

    private struct Shape: Hashable {
        let segments: [PathPattern.Segment]
    }

    /// The first of the routes that together hide `route`, or `nil`.
    private func hides(_ route: Int, _ group: [Int]) -> Int? {
        let before = group.filter { $0 != route && Self.precedes(Int32($0), Int32(route), requests) }
        let candidates = before.filter { coversListeners($0, route) && coversConditions($0, route) }
        guard !candidates.isEmpty else { return nil }
        let methods: [String?] = routes[route].methods.isEmpty ? [nil] : routes[route].methods
        let hosts: [HostPattern?] = hostPatterns[route].isEmpty ? [nil] : hostPatterns[route]
        var first: Int?
        for method in methods {
            for host in hosts {
                guard let by = candidates.first(where: { covers($0, method) && covers($0, host) }) else { return nil }
                first = first ?? by
            }
        }
        return first
    }

    private func covers(_ route: Int, _ method: String?) -> Bool {
        guard !routes[route].methods.isEmpty else { return true }
        return method.map(routes[route].methods.contains) ?? false
    }

    private func covers(_ route: Int, _ host: HostPattern?) -> Bool {
        host.map(hostPatterns[route].contains) ?? hostPatterns[route].isEmpty
    }

    private func coversListeners(_ first: Int, _ second: Int) -> Bool {
        guard !routes[first].listeners.isEmpty else { return true }
        return !routes[second].listeners.isEmpty && Set(routes[second].listeners).isSubset(of: routes[first].listeners)
    }

    private func coversConditions(_ first: Int, _ second: Int) -> Bool {
        func implied(_ wanted: RouteDescription.Condition, by given: [RouteDescription.Condition], fold: Bool) -> Bool {
            given.contains { condition in
                let sameName =
                    fold ? condition.name.lowercased() == wanted.name.lowercased() : condition.name == wanted.name
                return sameName && (wanted.value == nil || wanted.value == condition.value)
            }
        }
        return routes[first].fields.allSatisfy { implied($0, by: routes[second].fields, fold: true) }
            && routes[first].query.allSatisfy { implied($0, by: routes[second].query, fold: false) }
    }
}

extension PathPattern.Segment {
    /// The same segment with an empty name: two routes that differ in names alone have one path.
    fileprivate var unnamed: Self {
        switch self {
        case .literal: self
        case .one: .one("")
        case .some: .some("")
        case .rest: .rest("")
        }
    }
}
