public import PenstockPatterns

/// What a route wants of a request, as the router takes it from the configuration.
public struct RouteDescription: Sendable {
    /// A field or a query parameter that has to be there.
    public struct Condition: Hashable, Sendable {
        /// The name: a field's in any case, a query parameter's in decoded form.
        public var name: String
        /// The exact value, decoded; `nil`: any, if only the name is there.
        public var value: String?

        public init(name: String, value: String?) {
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
    /// Method names, as they go over the wire; none: any method.
    public var methods: [String]
    /// Fields that have to be there, all of them.
    public var fields: [Condition]
    /// Query parameters that have to be there, all of them.
    public var query: [Condition]

    public init(
        name: String,
        priority: Int = 0,
        path: PathPattern,
        hosts: [HostPattern] = [],
        listeners: [Int] = [],
        methods: [String] = [],
        fields: [Condition] = [],
        query: [Condition] = []
    ) {
        self.name = name
        self.priority = priority
        self.path = path
        self.hosts = hosts
        self.listeners = listeners
        self.methods = methods
        self.fields = fields
        self.query = query
    }
}

/// Why a list of routes makes no table.
public struct RouteError: Error, Equatable, CustomStringConvertible {
    /// The route's place in the list, from 0.
    public let route: Int
    /// What is wrong with it, for people.
    public let description: String
}
