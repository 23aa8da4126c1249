public import PenstockPatterns

/// What a route wants of a request, as the router takes it from the configuration.
public struct RouteDescription: Sendable {
    /// What is asked of a field, a query parameter or a cookie.
    public struct Condition: Hashable, Sendable {
        /// The name: a field's in any case, a query parameter's in decoded form.
        public var name: String
        /// What one of those with the name must say, a query parameter's in decoded form.
        public var value: TextCondition

        public init(name: String, value: TextCondition) {
            self.name = name
            self.value = value
        }
    }

    /// The route's name, for people.
    public var name: String
    /// Routes with a higher one are tried before all with a lower one.
    public var priority: Int
    /// Host patterns; none: any host.
    public var hosts: [HostPattern]
    /// Numbers of listeners; none: any listener.
    public var listeners: [Int]
    /// The path pattern.
    public var path: PathPattern
    /// Whether it takes its paths with and without a final slash; where others have those in their own form, they go first.
    public var takesBothEnds: Bool
    /// Method names, as they go over the wire; none: any method.
    public var methods: [String]
    /// What is asked of fields, all of it.
    public var fields: [Condition]
    /// What is asked of query parameters, all of it.
    public var query: [Condition]
    /// What is asked of cookies, all of it.
    public var cookies: [Condition]
    /// The addresses of clients, any of them; none: any client.
    public var clients: [AddressRange]

    /// The other form of its paths that it takes.
    var otherForm: PathPattern? { takesBothEnds ? path.withOtherEnd : nil }

    public init(
        name: String,
        priority: Int = 0,
        path: PathPattern,
        takesBothEnds: Bool = false,
        hosts: [HostPattern] = [],
        listeners: [Int] = [],
        methods: [String] = [],
        fields: [Condition] = [],
        query: [Condition] = [],
        cookies: [Condition] = [],
        clients: [AddressRange] = []
    ) {
        self.name = name
        self.priority = priority
        self.path = path
        self.takesBothEnds = takesBothEnds
        self.hosts = hosts
        self.listeners = listeners
        self.methods = methods
        self.fields = fields
        self.query = query
        self.cookies = cookies
        self.clients = clients
    }
}

/// Why a list of routes makes no table.
public struct RouteError: Error, Equatable, CustomStringConvertible {
    /// The route's place in the list, from 0.
    public let route: Int
    /// What is wrong with it, for people.
    public let description: String
}
