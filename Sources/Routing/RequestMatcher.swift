internal import PenstockBytes
public import PenstockHTTP
public import PenstockPatterns

/// What a route table looks at in a request; it keeps nothing alive, and every view is valid during the call only.
public struct RoutedRequest {
    /// The method.
    public var method: PenstockHTTP.Method
    /// The method's bytes; looked at for ``PenstockHTTP/Method/other`` only.
    public var methodName: UnsafeRawBufferPointer
    /// `Host` or `:authority`, port included, in any case; may be empty.
    public var authority: UnsafeRawBufferPointer
    /// The normalised path.
    public var path: UnsafeRawBufferPointer
    /// The query without `?`.
    public var query: UnsafeRawBufferPointer?
    /// The fields.
    public unowned(unsafe) let fields: FieldBlock
    /// The number of the listener it came in by.
    public var listener: Int
    /// The client's address, needed where ``RouteTable/looksAtClients``; clients of unix sockets have none.
    public var client: IPAddress?
    /// What matching it needs besides.
    public unowned(unsafe) let scratch: MatchScratch

    public init(
        method: PenstockHTTP.Method,
        methodName: UnsafeRawBufferPointer,
        authority: UnsafeRawBufferPointer,
        path: UnsafeRawBufferPointer,
        query: UnsafeRawBufferPointer?,
        fields: FieldBlock,
        listener: Int,
        client: IPAddress? = nil,
        scratch: MatchScratch
    ) {
        self.method = method
        self.methodName = methodName
        self.authority = authority
        self.path = path
        self.query = query
        self.fields = fields
        self.listener = listener
        self.client = client
        self.scratch = scratch
    }

    /// What `head` asks for, come in by a listener from a client.
    public init(_ head: RequestHead, listener: Int, client: IPAddress?, scratch: MatchScratch) {
        self.init(
            method: head.method,
            methodName: head.methodName,
            authority: head.authority,
            path: head.path,
            query: head.query,
            fields: head.fields,
            listener: listener,
            client: client,
            scratch: scratch
        )
    }
}

/// What each route wants beyond host and path: listener, method, fields, query, cookies, client.
struct RequestMatcher: Sendable {
    private struct Rule: Sendable {
        /// Empty: every method.
        var methods: MethodSet = []
        var listeners: Range<Int32>
        var fields: Range<Int32>
        var query: Range<Int32>
        var cookies: Range<Int32>
        var clients: Range<Int32>

        /// How many conditions there are; all addresses are one.
        var conditionCount: Int { fields.count + query.count + cookies.count + (clients.isEmpty ? 0 : 1) }
    }

    private var rules: [Rule] = []
    private var listeners: [Int] = []
    private var clients: [AddressRange] = []
    private var conditions = ConditionTable()
    private(set) var otherMethods = OtherMethods()

    /// Adds the next route.
    mutating func add(_ route: RouteDescription, index: Int) throws(RouteError) {
        var methods: MethodSet = []
        for name in route.methods {
            guard let method = otherMethods.register(name) else {
                throw RouteError(route: index, description: "there are too many different methods in all routes")
            }
            methods.formUnion(method)
        }
        let (firstListener, firstClient) = (Int32(listeners.count), Int32(clients.count))
        listeners += route.listeners
        clients += route.clients
        rules.append(
            Rule(
                methods: methods,
                listeners: firstListener..<Int32(listeners.count),
                fields: conditions.add(route.fields) { $0.utf8.map(ASCII.lowercased) },
                query: conditions.add(route.query) { Array($0.utf8) },
                cookies: conditions.add(route.cookies) { Array($0.utf8) },
                clients: firstClient..<Int32(clients.count)
            )
        )
    }

    /// Whether any route asks for the client's address.
    var looksAtClients: Bool { !clients.isEmpty }

    /// The methods that a route takes; empty: all.
    func methods(_ route: Int32) -> MethodSet { rules[Int(route)].methods }

    /// How many conditions a route has.
    func conditionCount(_ route: Int32) -> Int { rules[Int(route)].conditionCount }

    /// Whether everything but the method fits.
    @inline(__always)
    func fits(_ route: Int32, _ request: RoutedRequest) -> Bool {
        let rule = rules[Int(route)]
        if !rule.listeners.isEmpty, !fits(rule.listeners, listener: request.listener) { return false }
        return rule.conditionCount == 0 || fits(rule, route, request)
    }

    private func fits(_ rule: Rule, _ route: Int32, _ request: RoutedRequest) -> Bool {
        (rule.clients.isEmpty || fits(rule.clients, client: request.client))
            && conditions.fit(fields: request.fields, rule.fields, route, request.scratch)
            && conditions.fit(query: request.query, rule.query, route, request.scratch)
            && conditions.fit(cookies: request.fields, rule.cookies, route, request.scratch)
    }

    private func fits(_ range: Range<Int32>, listener: Int) -> Bool {
        for index in range where listeners[Int(index)] == listener { return true }
        return false
    }

    private func fits(_ range: Range<Int32>, client: IPAddress?) -> Bool {
        guard let client else { return false }
        for index in range where clients[Int(index)].contains(client) { return true }
        return false
    }
}
