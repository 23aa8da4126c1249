internal import PenstockBytes

extension Schema {
    /// Where limits and timeouts are written.
    enum Level: Sendable {
        case process, listener, route

        /// In messages: `the limits of a route`.
        var owner: String {
            switch self {
            case .process: "the process"
            case .listener: "a listener"
            case .route: "a route"
            }
        }

        /// In titles: `routes[].limits`.
        func title(_ key: String) -> String {
            switch self {
            case .process: key
            case .listener: "listeners[].\(key)"
            case .route: "routes[].\(key)"
            }
        }

        /// What stands where nothing is written.
        var fallback: String? {
            switch self {
            case .process: nil
            case .listener: "that of the process"
            case .route: "that of the listener"
            }
        }
    }

    /// The limits that can be written at a level.
    static func limits(_ level: Level) -> ValueKind<Configuration.LimitOverrides> {
        var elsewhere: [String: String] = [:]
        if level == .route {
            for field in limitFields(level) where field.key != "body" {
                elsewhere[field.key] = "it holds before a route is known"
            }
        }
        if level == .listener { elsewhere["buffered"] = "all listeners share it" }
        let kept = limitFields(level).filter { elsewhere[$0.key] == nil }
        return overrides("limits", level, Configuration.LimitOverrides(), kept, elsewhere)
    }

    /// The timeouts that can be written at a level.
    static func timeouts(_ level: Level) -> ValueKind<Configuration.TimeoutOverrides> {
        let early = "it holds before a route is known"
        let elsewhere = level == .route ? ["head": early, "idle": "it is a connection's, between its requests"] : [:]
        let kept = timeoutFields(level).filter { elsewhere[$0.key] == nil }
        return overrides("timeouts", level, Configuration.TimeoutOverrides(), kept, elsewhere)
    }

    private static func overrides<Overrides: Sendable>(
        _ key: String,
        _ level: Level,
        _ initial: Overrides,
        _ fields: [Field<Overrides>],
        _ elsewhere: [String: String]
    ) -> ValueKind<Overrides> {
        let summaries = [
            "limits": """
            How much is accepted. The nearest holds: a route's, else its listener's, else the process's. Connections \
            are counted for the process and for each listener: both of their limits hold.
            """,
            "timeouts": "The client's side. The nearest holds: a route's, else its listener's, else the process's.",
        ]
        return Kind.object(
            Shape<Overrides>(
                "the \(key) of \(level.owner)",
                title: level.title(key),
                summary: summaries[key] ?? "",
                initial: initial,
                elsewhere: elsewhere,
                fields: fields
            ),
            initial: initial
        )
    }

    typealias LimitField = Field<Configuration.LimitOverrides>

    static func limitFields(_ level: Level) -> [LimitField] {
        let size = { (range: ClosedRange<Int>) in Kind.size(range) }
        return [
            limit(
                "request_line",
                \.requestLine,
                \.requestLine,
                size(256...(1 << 20)),
                level,
                "The longest request line (414)."
            ),
            limit(
                "head",
                \.head,
                \.head,
                size(1024...(16 << 20)),
                level,
                "The longest head, request line included (431)."
            ),
            limit(
                "fields",
                \.fields,
                \.fields,
                Kind.integer(1...10_000),
                level,
                "The most fields in a head or in trailers (431)."
            ),
            limit("body", \.body, \.body, size(0...(1 << 40)).or("none"), level, "The longest request body (413)."),
            limit(
                "chunk_extensions",
                \.chunkExtensions,
                \.chunkExtensions,
                size(0...(1 << 20)),
                level,
                "The most bytes of chunk extensions in one body (413)."
            ),
            limit(
                "pipeline",
                \.pipeline,
                \.pipeline,
                size(0...(16 << 20)),
                level,
                "The most bytes of pipelined requests that are kept while one is answered; more waits in the kernel."
            ),
            limit(
                "connections",
                \.connections,
                \.connections,
                Kind.integer(1...10_000_000).or("none"),
                level,
                """
                The most client connections; a listener's own come on top of the process's. Beyond it idle ones are \
                closed, then new ones get 503.
                """
            ),
            limit(
                "connections_per_address",
                \.connectionsPerAddress,
                \.connectionsPerAddress,
                Kind.integer(1...10_000_000).or("none"),
                level,
                "The most client connections of one address; a listener's own come on top of the process's."
            ),
            limit(
                "buffered",
                \.buffered,
                \.buffered,
                size((1 << 20)...(1 << 40)),
                level,
                """
                The most bytes of bodies that are held, in the whole process: beyond it functions get no more (503), and \
                upstreams are not buffered for.
                """
            ),
        ]
    }

    /// Limits of how many there are at a time, which the process and a listener count each for itself: both hold.
    static let countedLimits: Set = ["connections", "connections_per_address"]

    static func timeoutFields(_ level: Level) -> [Field<Configuration.TimeoutOverrides>] {
        [
            timeout(
                "head",
                \.head,
                \.head,
                Kind.duration(),
                level,
                "From a request's first byte to the end of its head (408)."
            ),
            timeout("body", \.body, \.body, Kind.duration(), level, "Silence inside a request body (408)."),
            timeout(
                "body_rate",
                \.bodyRate,
                \.bodyRate,
                Kind.integer(0...(1 << 30)),
                level,
                "The least rate of a request body, in bytes a second, over 10 seconds (408); 0 asks for none."
            ),
            timeout("idle", \.idle, \.idle, Kind.duration(), level, "Silence between two requests of a connection."),
            timeout(
                "write",
                \.write,
                \.write,
                Kind.duration(),
                level,
                "How long a client may take nothing of its answer."
            ),
        ]
    }

    private static func limit<Value: Sendable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration.LimitOverrides, Located<Value>?> & Sendable,
        _ resolved: KeyPath<Configuration.Limits, Value>,
        _ kind: ValueKind<Value>,
        _ level: Level,
        _ summary: String
    ) -> LimitField {
        let fallback = kind.show(Configuration.Limits()[keyPath: resolved])
        return Field(key, path, kind.located.optional, summary, fallback: fallback, default: level.fallback)
    }

    private static func timeout<Value: Sendable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration.TimeoutOverrides, Located<Value>?> & Sendable,
        _ resolved: KeyPath<Configuration.Timeouts, Value>,
        _ kind: ValueKind<Value>,
        _ level: Level,
        _ summary: String
    ) -> Field<Configuration.TimeoutOverrides> {
        let fallback = kind.show(Configuration.Timeouts()[keyPath: resolved])
        return Field(key, path, kind.located.optional, summary, fallback: fallback, default: level.fallback)
    }
}
