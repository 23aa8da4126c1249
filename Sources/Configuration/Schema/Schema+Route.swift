internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    /// What a route is filled into.
    struct RouteDraft: Sendable {
        /// Everything but name, path and target, which are put in at the end.
        var route = Configuration.Route(
            position: .unwritten,
            name: .unwritten(""),
            path: .unwritten(PathPattern.root),
            target: .function(.unwritten(""))
        )
        var name: Located<String>?
        var answer = TargetDraft()
        var rewrite = Rewrite()
    }

    /// What the target sees instead.
    struct Rewrite: Sendable {
        var path: Located<Template>?
    }

    static let route = Kind.object(routeShape, initial: RouteDraft()) { draft, node, reader in
        guard let target = draft.answer.target, draft.route.path.isWritten else { return nil as Configuration.Route? }
        var route = draft.route
        route.position = node.position
        route.target = target
        route.rewritePath = draft.rewrite.path
        route.name = draft.name ?? Located.unwritten(customaryName(route))
        resolveTemplates(&route, &reader)
        return route
    }.completing { node, reader in
        routeShape.completed(node, by: reader.defaults.route) { $0 != "trailing_slash" || hasTwoEnds(node) }
    }

    /// Whether a route's path can have a final slash and be without.
    static func hasTwoEnds(_ node: Node) -> Bool {
        guard case .scalar(let path)? = node.entry("path")?.value.content else { return false }
        return path.text != "/" && !path.text.hasSuffix("*}") && !path.text.hasSuffix("+}")
    }

    static let routeShape = Shape<RouteDraft>(
        "a route",
        title: "routes[]",
        summary: "Requests that are alike, and what answers them.",
        initial: RouteDraft(),
        exactlyOne: answerFields.map(\.key),
        needs: [
            ("rewrite", ["function", "upstream", "files", "split"]), ("retries", ["upstream", "split", "fallback"]),
            ("buffer", ["upstream", "split", "fallback"]), ("websocket", ["upstream", "split", "fallback"]),
            ("fallback", ["function", "upstream", "files", "split"]),
            ("mirror", ["function", "upstream", "files", "split"]), ("queue", ["concurrency"]),
        ],
        identity: Set(matchFields.map(\.key)).subtracting(["trailing_slash"])
            .union(answerFields.map(\.key)).union(["rewrite", "example"]),
        fields: matchFields + answerFields + stageFields
    )

    private static let matchFields: [Field<RouteDraft>] = [
        Field(
            "name",
            \.name,
            title.located.optional,
            "What log, metrics and `explain` call it.",
            default: "`METHOD path`"
        ),
        Field(
            "path",
            \.route.path,
            pathPattern.located,
            "The paths it takes: literal segments, `{x}` for one, `{x+}` for one or more, `{x*}` for the rest, possibly none.",
            isRequired: true
        ),
        Field(
            "trailing_slash",
            \.route.trailingSlash,
            Kind.choice(Configuration.TrailingSlash.self).located,
            """
            Whether a final slash makes another path (`strict`), makes no difference (`ignore`), or the client is sent to \
            the form that `path` has (`redirect`, 308). Not for paths that end with `{x+}` or `{x*}`.
            """
        ),
        Field(
            "hosts",
            \.route.hosts,
            hostPattern.located.list(notEmpty: "leave 'hosts' out to take every host"),
            "The hosts it takes: `shop.example.com`, or `*.example.com` for everything below it.",
            default: "every host"
        ),
        Field(
            "listeners",
            \.route.listeners,
            Kind.line.located.list(notEmpty: "leave 'listeners' out to be on every listener"),
            "The listeners it is on, by name.",
            default: "every listener"
        ),
        Field(
            "methods",
            \.route.methods,
            method.located.list(notEmpty: "leave 'methods' out to take every method"),
            "The methods it takes. GET takes HEAD too where no route does.",
            default: "every method"
        ),
        Field("match", \.route.match, match, "What else a request must have.", default: "nothing"),
        Field(
            "priority",
            \.route.priority,
            Kind.integer(-1000...1000),
            "Routes with a higher one are tried before all with a lower one, whatever their hosts and paths."
        ),
    ]

    /// Keys that say nothing of which requests a route takes.
    static let keysBesideConditions = Set(["name"] + (answerFields + stageFields).map(\.key))

    private static let answerFields: [Field<RouteDraft>] =
        Schema.targetFields.map { $0.inside(\.answer) } + [
            Field("split", \.answer.split, split.optional, "One of several answers, by weight.")
        ]

    private static let stageFields: [Field<RouteDraft>] = [
        Field("rewrite", \.rewrite, rewrite, "What the target sees instead of the request's own.", default: "nothing"),
        Field(
            "headers",
            \.route.headers,
            headers,
            "What is done to the fields of requests and responses.",
            default: "nothing"
        ),
        Field(
            "timeout",
            \.route.timeout,
            Kind.duration().located.optional,
            "From the request's head to the end of the response, of an event stream to its head; queue included (504).",
            default: "none"
        ),
        Field(
            "timeouts",
            \.route.timeouts,
            timeouts(.route),
            "Timeouts of this route.",
            default: "those of the listener"
        ),
        Field("limits", \.route.limits, limits(.route), "Limits of this route.", default: "those of the listener"),
        Field(
            "websocket",
            \.route.websocket,
            Kind.boolean.located,
            """
            Whether a client that asks for a WebSocket gets one; it ends when it has been silent for `timeouts.idle` of the \
            upstream.
            """
        ),
        Field(
            "retries",
            \.route.retries,
            retries(.route),
            "When a request is sent to the upstream again.",
            default: "as the upstream says"
        ),
        Field(
            "buffer",
            \.route.buffer,
            buffer(.route),
            "What is held for slow clients.",
            default: "as the upstream says"
        ),
        Field(
            "fallback",
            \.route.fallback,
            fallback.optional,
            "Who is asked when the target has failed, while nothing of an answer has left.",
            default: "nobody"
        ),
        Field(
            "error_pages",
            \.route.errorPages,
            errorPages,
            "Pages for errors of this route; the first that names the status holds, then those of the file.",
            default: "none"
        ),
        Field("mirror", \.route.mirror, mirror.optional, "Who gets a copy of the requests.", default: "nobody"),
        Field(
            "concurrency",
            \.route.concurrency,
            Kind.integer(1...1_000_000).or("none").located,
            "The most requests at a time, on all loops together; more of them wait."
        ),
        Field(
            "queue",
            \.route.queue,
            queue("routes[]", Configuration.Queue(length: .unwritten(100))),
            "How requests over `concurrency` wait.",
            default: "as below"
        ),
        Field("example", \.route.example, example.optional, "A request to try it with.", default: "none"),
    ]

    private static func customaryName(_ route: Configuration.Route) -> String {
        let methods = route.methods.map(\.value)
        return "\(methods.isEmpty ? "ANY" : methods.joined(separator: ",")) \(route.path.value)"
    }

    private static let title = Kind.parsed(
        "text",
        "a name",
        schema: Kind.lineSchema,
        show: { .string($0) },
        parse: { (text) throws(Complaint) in try GivenName.title(text) }
    )

    private static let pathPattern = Kind.pattern(
        "path pattern",
        "a path such as /users/{id}",
        schema: Kind.variable(or: ["type": "string", "pattern": "^/"]),
        show: { .string($0.text) },
        parse: { (text) throws(PatternError) in try PathPattern(parsing: text) }
    )

    /// One label of a host's name, for editors.
    private static let label = "[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"

    private static let hostPattern = Kind.pattern(
        "host",
        "a host such as shop.example.com",
        schema: Kind.variable(
            or: [
                "type": ["string", "boolean"],
                "pattern": .string(#"^(\[[0-9A-Fa-f:.]+\]|(\*\.)?(?![0-9]+$)\#(label)(\.\#(label))*)$"#),
            ]
        ),
        show: { .string($0.description) },
        parse: { (text) throws(PatternError) in try HostPattern(parsing: text) }
    )

    private static let method = Kind.parsed(
        "method",
        "a method such as GET",
        schema: Kind.variable(
            or: [
                "anyOf": [
                    ["enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]],
                    [
                        "type": ["string", "number"],
                        "pattern": #"^(?!(ANY|ALL|\*|CONNECT|TRACE)$)[A-Z0-9!#$%&'*+.^_`|~-]{1,32}$"#,
                    ],
                ]
            ]
        ),
        show: { .string($0) },
        parse: { (text) throws(Complaint) in try FieldName.method(text) }
    )
}
