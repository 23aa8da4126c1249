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
            override(
                "request_line",
                \.requestLine,
                \Configuration.Limits.requestLine,
                size(256...(1 << 20)),
                at: level,
                "The longest request line (414)."
            ),
            override(
                "head",
                \.head,
                \Configuration.Limits.head,
                size(1024...(16 << 20)),
                at: level,
                "The longest head, request line included (431)."
            ),
            override(
                "fields",
                \.fields,
                \Configuration.Limits.fields,
                Kind.integer(1...10_000),
                at: level,
                "The most fields in a head or in trailers (431)."
            ),
            override(
                "body",
                \.body,
                \Configuration.Limits.body,
                size(0...(1 << 40)).or("none"),
                at: level,
                "The longest request body (413)."
            ),
            override(
                "chunk_extensions",
                \.chunkExtensions,
                \Configuration.Limits.chunkExtensions,
                size(0...(1 << 20)),
                at: level,
                "The most bytes of chunk extensions in one body (413)."
            ),
            override(
                "pipeline",
                \.pipeline,
                \Configuration.Limits.pipeline,
                size(0...(16 << 20)),
                at: level,
                "The most bytes of pipelined requests that are kept while one is answered; more waits in the kernel."
            ),
            override(
                "connections",
                \.connections,
                \Configuration.Limits.connections,
                Kind.integer(1...10_000_000).or("none"),
                at: level,
                """
                The most client connections; a listener's own come on top of the process's. Beyond it idle ones are \
                closed, then new ones get 503.
                """
            ),
            override(
                "connections_per_address",
                \.connectionsPerAddress,
                \Configuration.Limits.connectionsPerAddress,
                Kind.integer(1...10_000_000).or("none"),
                at: level,
                "The most client connections of one address; a listener's own come on top of the process's."
            ),
            override(
                "buffered",
                \.buffered,
                \Configuration.Limits.buffered,
                size((1 << 20)...(1 << 40)),
                at: level,
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
            override(
                "head",
                \.head,
                \Configuration.Timeouts.head,
                Kind.duration(),
                at: level,
                "From a request's first byte to the end of its head (408)."
            ),
            override(
                "body",
                \.body,
                \Configuration.Timeouts.body,
                Kind.duration(),
                at: level,
                "Silence inside a request body (408)."
            ),
            override(
                "body_rate",
                \.bodyRate,
                \Configuration.Timeouts.bodyRate,
                Kind.integer(0...(1 << 30)),
                at: level,
                "The least rate of a request body, in bytes a second, over 10 seconds (408); 0 asks for none."
            ),
            override(
                "idle",
                \.idle,
                \Configuration.Timeouts.idle,
                Kind.duration(),
                at: level,
                "Silence between two requests of a connection."
            ),
            override(
                "write",
                \.write,
                \Configuration.Timeouts.write,
                Kind.duration(),
                at: level,
                "How long a client may take nothing of its answer."
            ),
        ]
    }
}
