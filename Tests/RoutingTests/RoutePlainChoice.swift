import PenstockBytes
import PenstockHTTP
import PenstockPatterns

@testable import PenstockRouting

extension RouteExplanation.Reason {
    /// Whether it says that the route fits, but comes later.
    var isPrecedence: Bool {
        switch self {
        case .host, .listener, .path, .method, .field, .query, .cookie, .client: false
        case .lowerPriority, .widerHost, .widerPath, .otherEnd, .takesHeadAsGet, .anyMethod, .fewerConditions, .later:
            true
        }
    }
}

extension RouteTable {
    /// The route for a request, found by judging every route for itself and sorting those that fit.
    func plainChoice(_ request: RoutedRequest) -> Int? {
        var best: (route: Int, key: [Int])?
        for route in routes.indices where judge(route, request).reasons.isEmpty {
            let key = sortKey(route, request)
            if best.map({ key.lexicographicallyPrecedes($0.key) }) ?? true { best = (route, key) }
        }
        return best?.route
    }

    /// Whether some route fails on nothing but its method.
    func failsOnMethodOnly(_ request: RoutedRequest) -> Bool {
        for route in routes.indices {
            let reasons = judge(route, request).reasons
            if reasons.count == 1, case .method = reasons[0] { return true }
        }
        return false
    }

    /// The smallest comes first: priority, host, kinds of segments, own form, HEAD by name, methods, conditions, place.
    private func sortKey(_ route: Int, _ request: RoutedRequest) -> [Int] {
        let host = hostWithoutPort(request.authority).map(ASCII.lowercased)
        let methods = routes[route].methods
        let form = form(of: route, for: Array(request.path))
        let kinds = form.segments.map(\.rank) + [-1]
        let padded = kinds + Array(repeating: 0, count: 10 - kinds.count)
        let head = request.method == .head && methods.contains("HEAD") ? 0 : 1
        let asked = routes[route]
        let conditions = asked.fields.count + asked.query.count + asked.cookies.count + (asked.clients.isEmpty ? 0 : 1)
        return [-routes[route].priority, -hostRank(route, host)] + padded + [
            form == routes[route].path ? 0 : 1, head, methods.isEmpty ? 1 : 0, -conditions, route,
        ]
    }
}
