internal import PenstockBytes

/// What keeps an upstream answering: health, retries, buffers, the breaker.
extension Schema {
    static let health = Kind.object(
        Shape<Configuration.Health>(
            "'health'",
            title: "upstreams.NAME.health",
            summary: "An endpoint that is out gets no requests, unless too few would be left.",
            initial: Configuration.Health(),
            fields: [
                Field(
                    "passive",
                    \.passive,
                    passiveHealth.or("false"),
                    "What becomes of an endpoint's requests; `false`: nothing follows from it.",
                    default: "as below"
                ),
                Field("active", \.active, activeHealth.optional, "What endpoints are asked.", default: "nothing"),
                Field(
                    "panic",
                    \.panic,
                    Kind.percent(0...100).located,
                    "The least part of the endpoints that has to be in: with fewer, health is ignored."
                ),
            ]
        ),
        initial: Configuration.Health()
    )

    static let passiveHealthFields: [Field<Configuration.PassiveHealth>] = [
        Field(
            "failures",
            \.failures,
            Kind.integer(1...1000).or("none").located,
            "So many failures in a row take an endpoint out."
        ),
        Field(
            "error_rate",
            \.errorRate,
            Kind.percent(1...100).or("none").located,
            "So many failures among the requests of `window` take an endpoint out."
        ),
        Field("window", \.window, window, "What `error_rate` looks at."),
        Field("requests", \.requests, leastRequests, "Requests that make a rate; with fewer there is none."),
        Field(
            "eject",
            \.eject,
            Kind.duration().located,
            "How long it is out the first time; twice as long each time in a row."
        ),
        Field("eject_most", \.ejectMost, Kind.duration().located, "The longest that it is out."),
    ]

    private static let passiveHealth = Kind.object(
        Shape<Configuration.PassiveHealth>(
            "'passive'",
            title: "upstreams.NAME.health.passive",
            summary: """
                A failure is: no connection, no response or a broken one, a timeout, and the status 502, 503 or 504.
                """,
            initial: Configuration.PassiveHealth(),
            fields: passiveHealthFields
        ),
        initial: Configuration.PassiveHealth()
    )

    static let activeHealthFields: [Field<Configuration.ActiveHealth>] = [
        Field(
            "path",
            \.path,
            healthPath.located.optional,
            "What is asked for, by GET; without it, a connection is made and closed.",
            default: "none"
        ),
        Field("host", \.host, Kind.line.located.optional, "The Host of the question.", default: "the endpoint's"),
        Field(
            "status",
            \.statuses,
            statusRange.located.list(notEmpty: "name a status"),
            "The statuses that are well: `200`, or `200-299`."
        ),
        Field("body", \.body, Kind.line.located.optional, "What the answer's body has in it.", default: "anything"),
        Field("interval", \.interval, Kind.duration().located, "From one question to the next, give or take a tenth."),
        Field("timeout", \.timeout, Kind.duration().located, "How long an answer may take."),
        Field("healthy", \.healthy, Kind.integer(1...100).located, "So many good answers in a row bring it back."),
        Field("unhealthy", \.unhealthy, Kind.integer(1...100).located, "So many failures in a row take it out."),
    ]

    private static let activeHealth = Kind.object(
        Shape<Configuration.ActiveHealth>(
            "'active'",
            title: "upstreams.NAME.health.active",
            summary: "Every endpoint is asked on a connection of its own; whatever its requests are like.",
            initial: Configuration.ActiveHealth(),
            needs: [],
            fields: activeHealthFields
        ),
        initial: Configuration.ActiveHealth()
    ) { active, node, reader in
        if active.path == nil, reader.hasRead("path", at: node.position) {
            for key in ["host", "status", "body"] {
                guard let entry = node.entry(key) else { continue }
                reader.error("'\(key)' has a meaning only with 'path'", at: entry.key.position)
            }
        }
        return active
    }

    private static let healthPath = Kind.parsed(
        "path",
        "a path such as /healthz",
        schema: Kind.variable(or: ["type": "string", "pattern": "^/[^ #]*$"]),
        show: { .string($0) },
        parse: { (text) throws(Complaint) in
            guard text.hasPrefix("/") else { throw Complaint("is not a path", hint: "write '/\(text)'") }
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
                throw Complaint("has a character that no path has as it is", hint: "write it as %XX")
            }
            return text
        }
    )

    private static let statusRange =
        statusRange(from: 100, "a status such as 200, or a range such as 200-299", "'200' or '200-299'")

    /// A status, or a range of them.
    ///
    /// - Parameters:
    ///   - lowest: the lowest that it may be: a whole hundred; 599 is the highest.
    ///   - expectation: for messages.
    ///   - hint: how it is written.
    /// - Returns: the kind of such statuses.
    static func statusRange(
        from lowest: Int,
        _ expectation: String,
        _ hint: String
    ) -> ValueKind<Configuration.StatusRange> {
        let digits = "[\(lowest / 100)-5][0-9][0-9]"
        return Kind.parsed(
            "status or range, \(lowest) to 599",
            expectation,
            schema: Kind.variable(
                or: [
                    "anyOf": [
                        ["type": "integer", "minimum": .number(lowest), "maximum": 599],
                        ["type": "string", "pattern": .string("^\(digits)(-\(digits))?$")],
                    ]
                ]
            ),
            show: { .string($0.description) },
            parse: { (text) throws(Complaint) in
                let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
                guard (1...2).contains(bounds.count), text.utf8.count == (bounds.count == 1 ? 3 : 7),
                    bounds.allSatisfy((lowest...599).contains)
                else { throw Complaint("is not a status or a range of them", hint: "write \(hint)") }
                guard bounds[0] <= bounds[bounds.count - 1] else { throw Complaint("ends before it begins") }
                return Configuration.StatusRange(range: bounds[0]...bounds[bounds.count - 1])
            }
        )
    }

    static let breakerFields: [Field<Configuration.Breaker>] = [
        Field("error_rate", \.errorRate, Kind.percent(1...100).located, "So many failures in `window` open it."),
        Field("window", \.window, window, "What `error_rate` looks at."),
        Field("requests", \.requests, leastRequests, "Requests that make a rate; with fewer there is none."),
        Field("open", \.open, Kind.duration().located, "Until one request is let through, which decides."),
    ]

    static let breaker = Kind.object(
        Shape<Configuration.Breaker>(
            "'breaker'",
            title: "upstreams.NAME.breaker",
            summary: "A circuit breaker for the upstream as a whole. Failures are those of `health.passive`.",
            initial: Configuration.Breaker(),
            fields: breakerFields
        ),
        initial: Configuration.Breaker()
    )

    private static let window = Kind.duration(.milliseconds(100) ... .hours(1)).located
    private static let leastRequests = Kind.integer(1...1_000_000).located

    // MARK: What a route may say otherwise

    static let retryFields: [Field<Configuration.RetryOverrides>] = [
        override(
            "attempts",
            \.attempts,
            \Configuration.Retries.attempts,
            Kind.integer(0...10),
            "Tries after the first."
        ),
        override(
            "on",
            \.on,
            \Configuration.Retries.on,
            retryCondition.list,
            "What is tried again: no connection, a connection that ends without an answer, a timeout, a status."
        ),
        override(
            "backoff",
            \.backoff,
            \Configuration.Retries.backoff,
            Kind.duration(.zero ... .seconds(10)),
            "The longest pause before the first retry, twice as long before the next; how long, chance decides."
        ),
        override(
            "any_method",
            \.anyMethod,
            \Configuration.Retries.anyMethod,
            Kind.boolean,
            "Whether requests with effects (POST) are tried again too, without an `Idempotency-Key`."
        ),
        override(
            "budget",
            \.budget,
            \Configuration.Retries.budget,
            Kind.percent(0...100),
            "Retries in relation to all requests of the upstream; beyond it none is made."
        ),
    ]

    static let bufferFields: [Field<Configuration.BufferOverrides>] = [
        override(
            "request",
            \.request,
            \Configuration.Buffer.request,
            Kind.size(0...(16 << 20)),
            "The part of a request's body that is here before the upstream is asked; 0 streams."
        ),
        override(
            "response",
            \.response,
            \Configuration.Buffer.response,
            Kind.size(0...(16 << 20)),
            "The part of a response that is held for a client, beyond what the kernel holds; 0 streams."
        ),
    ]

    /// How retries are written in an upstream, and in a route.
    static func retries(_ level: Level) -> ValueKind<Configuration.RetryOverrides> {
        let isRoute = level == .route
        return Kind.object(
            Shape<Configuration.RetryOverrides>(
                isRoute ? "the retries of a route" : "'retries'",
                title: isRoute ? "routes[].retries" : "upstreams.NAME.retries",
                summary: """
                    A request is sent again, to another endpoint first, while nothing of an answer has come: where it can \
                    have had no effect, where its method is idempotent, or where it has an `Idempotency-Key`.
                    """,
                initial: Configuration.RetryOverrides(),
                elsewhere: isRoute ? ["budget": "all routes to the upstream share it"] : [:],
                fields: isRoute ? retryFields.filter { $0.key != "budget" } : retryFields
            ),
            initial: Configuration.RetryOverrides()
        )
    }

    /// How buffers are written in an upstream, and in a route.
    static func buffer(_ level: Level) -> ValueKind<Configuration.BufferOverrides> {
        let isRoute = level == .route
        return Kind.object(
            Shape<Configuration.BufferOverrides>(
                isRoute ? "the buffer of a route" : "'buffer'",
                title: isRoute ? "routes[].buffer" : "upstreams.NAME.buffer",
                summary: """
                    What is held so that a slow client keeps no upstream waiting; all together within the loop's share of \
                    `limits.buffered`. What is larger streams, as fast as the slower side goes.
                    """,
                initial: Configuration.BufferOverrides(),
                fields: bufferFields
            ),
            initial: Configuration.BufferOverrides()
        )
    }

    private static let retryCondition = ValueKind<Configuration.RetryCondition>(
        type: Kind.choice(Configuration.RetryCondition.self).type,
        expectation: Kind.choice(Configuration.RetryCondition.self).expectation,
        schema: Kind.variable(
            or: ["enum": ["connect", "reset", "timeout", "502", "503", "504", 502, 503, 504]]
        ),
        read: Kind.choice(Configuration.RetryCondition.self).read,
        show: Kind.choice(Configuration.RetryCondition.self).show
    )
}
