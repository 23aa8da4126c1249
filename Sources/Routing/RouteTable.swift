public import PenstockBytes
internal import PenstockHTTP
internal import PenstockPatterns

/// What a ``RouteTable`` says to a request.
public enum RouteMatch: Equatable, Sendable {
    /// This route takes it.
    case route(Int)

    /// Only the method keeps at least one route from taking it (RFC 9110 §15.5.6); the set goes into `Allow`.
    case methodNotAllowed(MethodSet)

    /// An OPTIONS request that no route takes, for a path that has routes; the set goes into `Allow`.
    case options(MethodSet)

    /// No route's host, listener, path and conditions fit.
    case notFound
}

/// All routes, ready to be asked; built once, read-only, shared by all loops.
///
/// The order in which routes are tried (architecture.md, section 6): the highest priority; in it the exact host, then the
/// longest wildcard, then no host; in each, path segment by segment, a literal before `{x}` before `{x+}` before `{x*}`;
/// among routes with the same path those that are written with its end, then those that name methods, then those with more conditions, then the order in
/// the file. The first that fits wins, wherever the search has to go back for it. Neither time nor memory of a match
/// depend on the number of routes, only on that of different priorities, and a match allocates nothing.
public final class RouteTable: Sendable {
    /// The routes, as they were given.
    public let routes: [RouteDescription]
    let requests: RequestMatcher
    /// The hosts of the highest priority.
    private let hosts: HostMatcher
    /// Those of each other priority, the highest first.
    private let lower: [HostMatcher]
    private let tree: PathTree

    /// Builds the table.
    ///
    /// - Parameter routes: in the order of the file; a ``RouteMatch`` names a route by its place in this list.
    /// - Throws: ``RouteError`` for the first route that has one method too many.
    public init(_ routes: [RouteDescription]) throws(RouteError) {
        self.routes = routes
        var requests = RequestMatcher()
        for (index, route) in routes.enumerated() { try requests.add(route, index: index) }
        self.requests = requests
        let (priorities, tree) = Self.build(routes, requests)
        hosts = priorities.first ?? HostMatcher(hosts: [], anyHost: nil)
        lower = Array(priorities.dropFirst())
        self.tree = tree
    }

    private static func build(
        _ routes: [RouteDescription],
        _ requests: RequestMatcher
    ) -> ([HostMatcher], PathTree) {
        var builder = PathTree.Builder()
        let priorities = Set(routes.map(\.priority)).sorted(by: >).map { priority in
            var roots: [HostPattern: Int32] = [:]
            var anyHost: Int32?
            for (index, route) in routes.enumerated() where route.priority == priority {
                if route.hosts.isEmpty {
                    let root = anyHost ?? builder.addRoot()
                    anyHost = root
                    builder.add(Int32(index), route, root: root)
                }
                for host in Set(route.hosts) {
                    let root = roots[host] ?? builder.addRoot()
                    roots[host] = root
                    builder.add(Int32(index), route, root: root)
                }
            }
            return HostMatcher(hosts: roots.map { (pattern: $0.key, root: $0.value) }, anyHost: anyHost)
        }
        return (priorities, PathTree(builder) { first, second in precedes(first, second, requests) })
    }

    /// Whether the first of two routes with the same priority and path is tried before the second.
    static func precedes(_ first: Int32, _ second: Int32, _ requests: RequestMatcher) -> Bool {
        let namesMethods = (!requests.methods(first).isEmpty, !requests.methods(second).isEmpty)
        if namesMethods.0 != namesMethods.1 { return namesMethods.0 }
        let conditions = (requests.conditionCount(first), requests.conditionCount(second))
        if conditions.0 != conditions.1 { return conditions.0 > conditions.1 }
        return first < second
    }

    /// Whether any route asks for the client's address.
    public var looksAtClients: Bool { requests.looksAtClients }

    /// The names of a route's path parameters, in the order of a match's ranges.
    public func parameterNames(of route: Int) -> [String] { routes[route].path.parameters }

    /// Which of a route's parameters is the rest of the path, `{x+}` or `{x*}`; `nil`: none.
    public func restParameter(of route: Int) -> Int? {
        let path = routes[route].path
        return path.segments.last?.takesRest == true ? path.parameters.count - 1 : nil
    }

    /// Finds the route for a request.
    ///
    /// - Parameters:
    ///   - request: what is asked for.
    ///   - parameters: gets the ranges, from the start of the path, of the route's parameters, in encoded form; keep the
    ///     array for the next request.
    /// - Returns: the route, or what to answer without one.
    public func match(_ request: RoutedRequest, parameters: inout [Range<Int>]) -> RouteMatch {
        var search = Search(method: MethodSet(request.method))
        if request.method == .other { search.method = requests.otherMethods.find(request.methodName) }
        if !parameters.isEmpty { parameters.removeAll(keepingCapacity: true) }
        guard request.path.first == ASCII.slash else { return .notFound }
        let host = hostWithoutPort(request.authority)
        if find(hosts, host, request, &search, &parameters) { return .route(Int(search.route)) }
        for index in lower.indices where find(lower[index], host, request, &search, &parameters) {
            return .route(Int(search.route))
        }
        return answer(search.allowed, to: request.method)
    }

    private func answer(_ allowed: MethodSet, to method: PenstockHTTP.Method) -> RouteMatch {
        guard !allowed.isEmpty else { return .notFound }
        var allowed = allowed.union(MethodSet(.options))
        if allowed.contains(MethodSet(.get)) { allowed.formUnion(MethodSet(.head)) }
        return method == .options ? .options(allowed) : .methodNotAllowed(allowed)
    }

    /// Appends the value of an `Allow` field.
    public func writeAllow(_ methods: MethodSet, to output: inout ByteBuffer) {
        requests.otherMethods.write(methods, to: &output)
    }

    // MARK: The search

    private struct Search {
        var method: MethodSet
        /// What routes that failed on nothing but the method would have taken.
        var allowed: MethodSet = []
        var route: Int32 = -1
    }

    /// Tries everything of one priority.
    private func find(
        _ hosts: borrowing HostMatcher,
        _ host: UnsafeRawBufferPointer,
        _ request: RoutedRequest,
        _ search: inout Search,
        _ parameters: inout [Range<Int>]
    ) -> Bool {
        var tier = hosts.first(host)
        while tier >= 0 {
            if visit(hosts.tiers[Int(tier)].root, 0, request, &search, &parameters) { return true }
            tier = hosts.tiers[Int(tier)].next
        }
        return false
    }

    /// Tries everything below `node`.
    ///
    /// `offset` is where the slash before the next segment stands; the path's length when none is left.
    private func visit(
        _ node: Int32,
        _ offset: Int,
        _ request: RoutedRequest,
        _ search: inout Search,
        _ parameters: inout [Range<Int>]
    ) -> Bool {
        let path = request.path
        guard offset < path.count else {
            if take(tree.nodes[Int(node)].exact, request, &search) { return true }
            if tree.nodes[Int(node)].other.count > 0, take(tree.nodes[Int(node)].other, request, &search) {
                return true
            }
            return take(tree.nodes[Int(node)].rest, offset..<offset, request, &search, &parameters)
        }
        let start = offset &+ 1
        var end = start
        while end < path.count, path[end] != ASCII.slash { end &+= 1 }
        let segment = UnsafeRawBufferPointer(rebasing: path[start..<end])
        let literal = tree.literalChild(of: node, segment)
        if literal >= 0, visit(literal, end, request, &search, &parameters) { return true }
        let one = tree.nodes[Int(node)].one
        if one >= 0, end > start {
            parameters.append(start..<end)
            if visit(one, end, request, &search, &parameters) { return true }
            parameters.removeLast()
        }
        if tree.nodes[Int(node)].some.count > 0, path[start...].contains(where: { $0 != ASCII.slash }) {
            if take(tree.nodes[Int(node)].some, start..<path.count, request, &search, &parameters) { return true }
        }
        return take(tree.nodes[Int(node)].rest, start..<path.count, request, &search, &parameters)
    }

    private func take(
        _ leaf: PathTree.Leaf,
        _ rest: Range<Int>,
        _ request: RoutedRequest,
        _ search: inout Search,
        _ parameters: inout [Range<Int>]
    ) -> Bool {
        guard leaf.count > 0, take(leaf, request, &search) else { return false }
        parameters.append(rest)
        return true
    }

    /// Tries the routes that have one path.
    ///
    /// A route that names HEAD goes before one that would take it as a GET.
    private func take(_ leaf: PathTree.Leaf, _ request: RoutedRequest, _ search: inout Search) -> Bool {
        var fallback: Int32 = -1
        for index in leaf.start..<leaf.start &+ leaf.count {
            let route = tree.leaves[Int(index)]
            guard requests.fits(route, request) else { continue }
            let methods = requests.methods(route)
            if methods.isEmpty {
                // The routes that name methods have all been tried: they come first.
                if fallback < 0 { fallback = route }
                break
            }
            if !methods.isDisjoint(with: search.method) {
                search.route = route
                return true
            }
            if request.method == .head, methods.contains(MethodSet(.get)) {
                if fallback < 0 { fallback = route }
            } else {
                search.allowed.formUnion(methods)
            }
        }
        search.route = fallback
        return fallback >= 0
    }
}
