internal import PenstockBytes
public import PenstockHTTP
public import PenstockPatterns

/// Why a request goes where it goes: for `penstock explain`.
public struct RouteExplanation: Sendable {
    /// A path parameter of the chosen route.
    public struct Parameter: Equatable, Sendable {
        /// The name between the braces.
        public let name: String
        /// What it captured, in encoded form.
        public let value: String
    }

    /// A route that was not chosen.
    public struct Loser: Sendable {
        /// Its place in the list of routes.
        public let route: Int
        /// Why, the weightiest first; never empty.
        public let reasons: [Reason]
    }

    /// One thing that kept a route from being chosen; its description says it in words.
    public enum Reason: Equatable, Sendable {
        case host(wanted: [String], given: String)
        case listener
        case path(PathMismatch)
        case method(wanted: [String], given: String)
        case field(name: String, wanted: TextCondition, given: String?)
        case query(name: String, wanted: TextCondition, given: String?)
        case cookie(name: String, wanted: TextCondition, given: String?)
        case client(wanted: [AddressRange], given: IPAddress?)
        /// It fits as well, but its priority is lower.
        case lowerPriority(Int, than: Int)
        /// It fits as well, but its host pattern is wider.
        case widerHost
        /// It fits as well, but this segment (from 1) of its path is less specific.
        case widerPath(segment: Int)
        /// It fits as well, but is written with the other end of the path: with or without a final slash.
        case otherEnd
        /// It fits as well, but takes HEAD only as a GET.
        case takesHeadAsGet
        /// It fits as well, but names no methods.
        case anyMethod
        /// It fits as well, but has fewer conditions.
        case fewerConditions
        /// It fits as well, but comes later in the file.
        case later
    }

    /// Where a path and a pattern part.
    public enum PathMismatch: Equatable, Sendable {
        /// This segment, from 1, is another.
        case segment(Int, wanted: String, given: String)
        /// The pattern has another segment, from 1, where the path has ended.
        case ended(before: Int, wanted: String)
        /// The path goes on behind the pattern's end.
        case goesOn(String)
    }

    /// What the table says.
    public let match: RouteMatch
    /// What the chosen route captured.
    public let parameters: [Parameter]
    /// The nearest of the other routes, the nearest first.
    public let losers: [Loser]
}

extension RouteTable {
    /// Says why a request goes where it goes, as ``decide(_:_:parameters:)`` has it.
    public func explain(_ request: RoutedRequest, _ head: RequestHead) -> RouteExplanation {
        if let own = ownAnswer(to: request, head) {
            return RouteExplanation(match: own, parameters: [], losers: [])
        }
        return explain(request)
    }

    /// Says why `request` goes where it goes.
    ///
    /// Judges each route for itself, in the plainest way, so that it also checks ``match(_:parameters:)``.
    ///
    /// - Parameters:
    ///   - request: what is asked for.
    ///   - limit: the most other routes to name.
    /// - Returns: the choice, and why the nearest others lost.
    public func explain(_ request: RoutedRequest, limit: Int = 5) -> RouteExplanation {
        var ranges: [Range<Int>] = []
        let match = match(request, parameters: &ranges)
        var chosen: Int?
        if case .route(let route) = match { chosen = route }
        let parameters = zip(chosen.map(parameterNames) ?? [], ranges).map { name, range in
            RouteExplanation.Parameter(name: name, value: String(decoding: request.path[range], as: UTF8.self))
        }
        var losers: [(loser: RouteExplanation.Loser, distance: Int)] = []
        for route in routes.indices where route != chosen {
            let judgement = judge(route, request)
            var reasons = judgement.reasons
            if reasons.isEmpty, let chosen { reasons = [whyLater(route, than: chosen, request)] }
            guard !reasons.isEmpty, judgement.isNear else { continue }
            losers.append((RouteExplanation.Loser(route: route, reasons: reasons), judgement.distance))
        }
        losers.sort { ($0.distance, $0.loser.route) < ($1.distance, $1.loser.route) }
        return RouteExplanation(match: match, parameters: parameters, losers: losers.prefix(limit).map(\.loser))
    }

    /// Why a route that fits is tried after another that fits, too.
    func whyLater(_ route: Int, than chosen: Int, _ request: RoutedRequest) -> RouteExplanation.Reason {
        let (priority, first) = (routes[route].priority, routes[chosen].priority)
        if priority != first { return .lowerPriority(priority, than: first) }
        let host = hostWithoutPort(request.authority).map(ASCII.lowercased)
        if hostRank(route, host) != hostRank(chosen, host) { return .widerHost }
        let path = Array(request.path)
        let (form, chosenForm) = (form(of: route, for: path), form(of: chosen, for: path))
        if let segment = form.firstDifference(chosenForm) { return .widerPath(segment: segment) }
        if form != routes[route].path, chosenForm == routes[chosen].path { return .otherEnd }
        if request.method == .head, routes[chosen].methods.contains("HEAD"), !routes[route].methods.contains("HEAD") {
            return .takesHeadAsGet
        }
        if routes[route].methods.isEmpty != routes[chosen].methods.isEmpty { return .anyMethod }
        if requests.conditionCount(Int32(route)) < requests.conditionCount(Int32(chosen)) { return .fewerConditions }
        return .later
    }

    /// The form of a route's path that takes `path`: its own, if neither does.
    func form(of route: Int, for path: [UInt8]) -> PathPattern {
        guard let other = routes[route].otherForm, routes[route].path.mismatch(path) != nil else {
            return routes[route].path
        }
        return other
    }

    /// How narrow the narrowest fitting host pattern of a route is; more is narrower, 0 is no pattern.
    func hostRank(_ route: Int, _ host: [UInt8]) -> Int {
        routes[route].hosts.filter { $0.matches(host) }.map { $0.isWildcard ? $0.name.utf8.count : 1 << 20 }.max() ?? 0
    }
}

extension PathPattern {
    /// Where `path` parts from this pattern; `nil`: it fits.
    ///
    /// - Returns: the reason, how many segments fit before it, and how many of the pattern's do not.
    func mismatch(_ path: [UInt8]) -> (reason: RouteExplanation.PathMismatch, matched: Int, missing: Int)? {
        let parts = path.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let missing = segments.count - index
            guard index < parts.count else {
                if case .rest = segment { return nil }
                return (.ended(before: index + 1, wanted: "\(segment)"), index, missing)
            }
            let part = parts[index]
            let fits =
                switch segment {
                case .literal(let text): part.elementsEqual(text.utf8)
                case .one: !part.isEmpty
                case .oneOrMore: parts[index...].contains { !$0.isEmpty }
                case .rest: true
                }
            guard fits else {
                let given = String(decoding: part, as: UTF8.self)
                return (.segment(index + 1, wanted: "\(segment)", given: given), index, missing)
            }
            if segment.takesRest { return nil }
        }
        guard parts.count > segments.count else { return nil }
        let surplus = parts[segments.count...].map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        return (.goesOn(surplus), segments.count, 1)
    }

    /// The first segment, from 1, in which two patterns for the same path differ in kind.
    fileprivate func firstDifference(_ other: PathPattern) -> Int? {
        for (index, pair) in zip(segments, other.segments).enumerated() where pair.0.rank != pair.1.rank {
            return index + 1
        }
        return segments.count == other.segments.count ? nil : min(segments.count, other.segments.count) + 1
    }
}

extension PathPattern.Segment {
    /// The order in which a search tries them: 0 first.
    var rank: Int {
        switch self {
        case .literal: 0
        case .one: 1
        case .oneOrMore: 2
        case .rest: 3
        }
    }
}
