/// A route as one loop runs it: its names for log and metrics, its stages and its handler.
public final class Route {
    /// What kind of thing answers, as logs and metrics name it.
    public enum TargetKind: String, Sendable, CaseIterable {
        case function, upstream, redirect, respond, files
    }

    /// Its place in the table, the same on every loop.
    public let index: Int

    /// The route's name in the configuration, `GET /hello` where it has none.
    public let name: String

    /// What kind of thing answers.
    public let targetKind: TargetKind

    /// The function or upstream; empty for the other kinds.
    public let targetName: String

    /// The names of the path's parameters, in the order of ``Exchange/parameters``.
    public let parameterNames: [String]

    /// The largest request body, in bytes; `nil`: as the listener says.
    public let bodyLimit: Int?

    /// Nanoseconds from the head of the request to the end of the response; `nil`: no limit.
    public let timeout: Int64?

    /// Deadlines for the client that differ from the listener's.
    public let clientTimeouts: RouteTimeouts?

    /// Run in order before the handler.
    public let requestStages: [any RequestStage]

    /// Run in order on every response head.
    public let responseStages: [any ResponseStage]

    /// What answers.
    public let handler: any Handler

    /// Puts a route together.
    public init(
        index: Int,
        name: String,
        targetKind: TargetKind,
        targetName: String = "",
        parameterNames: [String] = [],
        bodyLimit: Int? = nil,
        timeout: Int64? = nil,
        clientTimeouts: RouteTimeouts? = nil,
        requestStages: [any RequestStage] = [],
        responseStages: [any ResponseStage] = [],
        handler: any Handler
    ) {
        self.index = index
        self.name = name
        self.targetKind = targetKind
        self.targetName = targetName
        self.parameterNames = parameterNames
        self.bodyLimit = bodyLimit
        self.timeout = timeout
        self.clientTimeouts = clientTimeouts
        self.requestStages = requestStages
        self.responseStages = responseStages
        self.handler = handler
    }
}
