internal import PenstockBytes
public import PenstockHTTP
internal import PenstockPatterns
public import PenstockTransport

/// The first handler of every exchange on a loop: finds the route, runs its stages, and hands over to its handler.
///
/// Without a route it answers itself: 404, 405 with `Allow`, or an OPTIONS that no route takes.
public final class Router: Handler {
    private let table: RouteTable
    private let routes: [Route]
    private let matchScratch: MatchScratch
    private let looksAtClients: Bool
    @exclusivity(unchecked) private var scratch = ByteBuffer()

    /// Makes the router of one loop.
    ///
    /// - Parameters:
    ///   - table: shared by all loops.
    ///   - routes: this loop's, in the table's order.
    ///   - matchScratch: this loop's.
    public init(table: RouteTable, routes: [Route], matchScratch: MatchScratch = MatchScratch()) {
        precondition(table.routes.count == routes.count, "a table and its routes belong together")
        self.table = table
        self.routes = routes
        self.matchScratch = matchScratch
        looksAtClients = table.looksAtClients
    }

    public func handle(_ exchange: Exchange) {
        let request = RoutedRequest(
            exchange.head,
            listener: exchange.listenerIndex,
            client: looksAtClients ? IPAddress(exchange.clientAddress) : nil,
            scratch: matchScratch
        )
        switch table.decide(request, exchange.head, parameters: &exchange.parameters) {
        case .route(let index): exchange.run(routes[index])
        case .methodNotAllowed(let methods): refuseMethod(exchange, methods)
        case .options(let methods): answerOptions(exchange, methods)
        case .notFound: exchange.fail(Self.notFound)
        }
    }

    private func refuseMethod(_ exchange: Exchange, _ methods: MethodSet) {
        scratch.removeAll()
        table.writeAllow(methods, to: &scratch)
        exchange.fail(Self.methodNotAllowed, allow: scratch.readable)
    }

    /// RFC 9110 §9.3.7.
    private func answerOptions(_ exchange: Exchange, _ methods: MethodSet) {
        scratch.removeAll()
        table.writeAllow(methods, to: &scratch)
        exchange.response.status = 204
        exchange.response.fields.append(.allow, "allow", scratch.readable)
        exchange.respond(end: true)
    }

    private static let notFound = ExchangeError(.client, status: 404, message: "Not Found", reason: "no route")

    private static let methodNotAllowed = ExchangeError(
        .client,
        status: 405,
        message: "Method Not Allowed",
        reason: "no route takes the method"
    )
}

extension RouteTable {
    /// What becomes of a request: the table's match, or what the gateway answers without a look at any route.
    ///
    /// - Parameters:
    ///   - request: what is asked for.
    ///   - head: where that comes from.
    ///   - parameters: gets what the chosen route's pattern captured.
    /// - Returns: the route, or the answer.
    public func decide(
        _ request: RoutedRequest,
        _ head: RequestHead,
        parameters: inout [Range<Int>]
    ) -> RouteMatch {
        ownAnswer(to: request, head) ?? match(request, parameters: &parameters)
    }

    /// The answer to a request that no route is asked for; `nil` for all others.
    func ownAnswer(to request: RoutedRequest, _ head: RequestHead) -> RouteMatch? {
        // Neither a tunnel nor an echo of what the client sent is offered to anybody (trust.md).
        if head.method == .connect { return .methodNotAllowed(Self.served) }
        if head.method == .trace { return .methodNotAllowed(allowed(request) ?? Self.served) }
        return head.targetForm == .asterisk ? .options(Self.served) : nil
    }

    /// What the routes of a target take, where they do not take everything.
    private func allowed(_ request: RoutedRequest) -> MethodSet? {
        var parameters: [Range<Int>] = []
        if case .methodNotAllowed(let methods) = match(request, parameters: &parameters) { return methods }
        return nil
    }

    /// What the gateway as a whole is asked with: everything but CONNECT and TRACE.
    private static let served = MethodSet([
        MethodSet(.get), MethodSet(.head), MethodSet(.post), MethodSet(.put), MethodSet(.delete), MethodSet(.options),
        MethodSet(.patch),
    ])
}
