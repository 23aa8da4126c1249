/// A route as one loop runs it: its names for log and metrics, its stages and its target.
public final class Route {
    /// Its place in the table, the same on every loop.
    public let index: Int

    /// The route's name in the configuration, `GET /hello` where it has none.
    public let name: String

    /// What answers first.
    public let target: RouteTarget

    /// The names of the path's parameters, in the order of ``Exchange/parameters``.
    public let parameterNames: [String]

    /// The largest request body, in bytes; `nil`: as the listener says.
    public let bodyLimit: Int?

    /// Nanoseconds from the head of the request to the end of the response; `nil`: no limit.
    public let timeout: Int64?

    /// Deadlines for the client that differ from the listener's.
    public let clientTimeouts: RouteTimeouts?

    /// Run in order before the target.
    public let requestStages: [any RequestStage]

    /// Run in order on every response head.
    public let responseStages: [any ResponseStage]

    /// Sees the answers of targets before they leave.
    public let watcher: (any AnswerWatcher)?

    /// Bytes of a request's body that are kept for targets behind the first; 0: none are.
    public let bodyBuffer: Int

    /// Pages for what the gateway answers itself.
    public let errorPages: ErrorPages?

    /// Puts a route together.
    public init(
        index: Int,
        name: String,
        target: RouteTarget,
        parameterNames: [String] = [],
        bodyLimit: Int? = nil,
        timeout: Int64? = nil,
        clientTimeouts: RouteTimeouts? = nil,
        requestStages: [any RequestStage] = [],
        responseStages: [any ResponseStage] = [],
        watcher: (any AnswerWatcher)? = nil,
        bodyBuffer: Int = 0,
        errorPages: ErrorPages? = nil
    ) {
        self.index = index
        self.name = name
        self.target = target
        self.parameterNames = parameterNames
        self.bodyLimit = bodyLimit
        self.timeout = timeout
        self.clientTimeouts = clientTimeouts
        self.requestStages = requestStages
        self.responseStages = responseStages
        self.watcher = watcher
        self.bodyBuffer = bodyBuffer
        self.errorPages = errorPages
    }
}
