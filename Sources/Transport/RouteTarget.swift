/// What can answer the requests of a route: the only one, or one of several between which a request is split or falls back.
public final class RouteTarget {
    /// What kind of thing answers, as logs and metrics name it.
    public enum Kind: String, Sendable, CaseIterable {
        case function, upstream, redirect, respond, files, split
    }

    /// Its place among the targets of all routes, the same on every loop.
    public let index: Int

    /// What kind of thing answers.
    public let kind: Kind

    /// The function or upstream; empty for the other kinds.
    public let name: String

    /// What answers.
    public let handler: any Handler

    /// Puts a target together.
    public init(index: Int = 0, kind: Kind, name: String = "", handler: any Handler) {
        self.index = index
        self.kind = kind
        self.name = name
        self.handler = handler
    }

    /// Whether it asks somebody, whose answer may be a failure, and who gets the request's body.
    public var asksOthers: Bool { kind == .function || kind == .upstream }
}
