internal import PenstockBytes

extension Schema {
    /// What a function is filled into.
    struct FunctionDraft: Sendable {
        /// Everything but name and code, which are put in at the end.
        var function = Configuration.Function(name: .unwritten(""), code: .swift(.unwritten("")))
        var handler: Located<HandlerName>?
        var command: [Located<String>] = []
        var swift: Located<String>?
        var commandProtocol: Located<Configuration.CommandProtocol> = .unwritten(.jsonLines)
        var interpreter: Located<String>?
        var directory: Located<String>?
    }

    /// `FILE:FUNCTION`, as written.
    struct HandlerName: Sendable {
        let file: String
        let function: String
        let language: Configuration.Language
    }

    static let functions = Kind.map(
        of: "functions",
        key: givenName,
        function,
        visit: { name, reader in reader.names[.function, default: []].insert(name) }
    ).transformed(
        show: { _ in nil },
        { functions, _, _ in
            functions.map { name, function -> Configuration.Function in
                var function = function
                function.name = name
                return function
            }
        }
    )

    private static let function = Kind.object(functionShape, initial: FunctionDraft()) { draft, node, reader in
        // Another interpreter than the one that is meant would be looked for.
        guard let code = code(draft, &reader), reader.hasRead("interpreter", at: node.position) else {
            return nil as Configuration.Function?
        }
        var function = draft.function
        function.code = code
        if case .command(let command) = code, command.protocol.value == .exec, function.instances.min.value > 0 {
            reader.error(
                "'min' (\(function.instances.min.value)) is of no use to 'protocol: exec', "
                    + "which starts a process for each event",
                at: function.instances.min.position
            )
        }
        return function
    }.completing { node, reader in functionShape.completed(node, by: reader.defaults.function) }

    static let functionShape = Shape<FunctionDraft>(
        "a function",
        title: "functions.NAME",
        summary: "Code that is given an event and answers a response, in warm processes of its own.",
        initial: FunctionDraft(),
        exactlyOne: ["handler", "command", "swift"],
        needs: [("protocol", ["command"]), ("interpreter", ["handler"])]
            + ["directory", "init_timeout", "memory", "instances", "environment", "pass_environment"]
            .map { ($0, ["handler", "command"]) },
        identity: ["handler", "command", "swift"],
        fields: codeFields + functionRunFields
    )

    private static let codeFields: [Field<FunctionDraft>] = [
        Field(
            "handler",
            \.handler,
            handlerName.located.optional,
            "A function in a file: `FILE:FUNCTION`. `.py` runs in Python, `.js`, `.mjs` and `.cjs` run in Node."
        ),
        Field(
            "command",
            \.command,
            Kind.line.located.list(notEmpty: "write the program and its arguments"),
            "A program and its arguments. One with a slash is relative to the file's folder, others are found on PATH.",
            default: ""
        ),
        Field(
            "swift",
            \.swift,
            Kind.line.located.optional,
            "A Swift closure of the program that embeds the gateway, by its name there."
        ),
        Field(
            "protocol",
            \.commandProtocol,
            Kind.choice(Configuration.CommandProtocol.self).located,
            "What a command speaks: a line of JSON for each event and response, or a process for each event."
        ),
        Field(
            "interpreter",
            \.interpreter,
            Kind.line.located.optional,
            "What runs a handler: a name on PATH or a path.",
            default: "`python3` or `node`"
        ),
        Field(
            "directory",
            \.directory,
            Kind.path.located.optional,
            "The working directory; for a Python handler also the first place that modules are looked for.",
            default: "the handler's folder; for a command the file's"
        ),
        Field(
            "event",
            \.function.event,
            Kind.choice(Configuration.EventShape.self).located,
            "The shape of its events."
        ),
    ]

    static let functionRunFields: [Field<FunctionDraft>] = [
        Field(
            "timeout",
            \.function.timeout,
            Kind.duration(.milliseconds(1) ... .seconds(900)).located,
            "How long one invocation may run; then the process tree is ended and the answer is 504."
        ),
        Field(
            "init_timeout",
            \.function.initTimeout,
            Kind.duration(.milliseconds(1) ... .seconds(900)).located,
            "How long a new instance may take until it is ready."
        ),
        Field(
            "memory",
            \.function.memory,
            memory,
            "The most memory of one instance.",
            fallback: "none"
        ),
        Field(
            "response_limit",
            \.function.responseLimit,
            Kind.size(1...(1 << 30)).located,
            "The longest response (502)."
        ),
        Field("instances", \.function.instances, instances, "How many processes there are.", default: "as below"),
        Field(
            "queue",
            \.function.queue,
            queue("functions.NAME", Configuration.Queue()),
            "How requests wait for an instance.",
            default: "as below"
        ),
        Field(
            "environment",
            \.function.environment,
            environment,
            "Variables that the function finds in its environment, beside a few that every one has; never printed.",
            default: "none"
        ),
        Field(
            "pass_environment",
            \.function.passEnvironment,
            variableName.interpolated.located.list,
            "Names that are taken over from the gateway's own environment."
        ),
    ]

    private static let memory = Kind.size((16 << 20)...(1 << 40)).located.or("none")

    static let instanceFields: [Field<Configuration.Instances>] = [
        Field(
            "min",
            \.min,
            Kind.integer(0...1000).located,
            "Kept even when idle, and started before the gateway is ready."
        ),
        Field("max", \.max, Kind.integer(1...1000).located, "At most this many at a time."),
        Field("idle", \.idle, Kind.duration().located, "How long one above `min` may be idle before it is ended."),
    ]

    static let queueFields: [Field<Configuration.Queue>] = [
        Field("length", \.length, Kind.integer(0...1_000_000).located, "The most that wait; one more gets 503."),
        Field(
            "wait",
            \.wait,
            Kind.duration(.zero ... .seconds(900)).located,
            "How long one waits before it gets 503."
        ),
    ]

    private static let instances = Kind.object(
        Shape<Configuration.Instances>(
            "'instances'",
            title: "functions.NAME.instances",
            summary: "Processes of one function; each runs one invocation at a time.",
            initial: Configuration.Instances(),
            fields: instanceFields
        ),
        initial: Configuration.Instances()
    ) { draft, node, reader in
        if draft.min.value > draft.max.value, reader.hasRead("min", "max", at: node.position) {
            let written = draft.min.isWritten ? draft.min : draft.max
            reader.error(
                "'min' (\(draft.min.value)) is more than 'max' (\(draft.max.value))",
                at: written.position
            )
        }
        return draft
    }

    /// How requests wait for their turn.
    static func queue(_ owner: String, _ initial: Configuration.Queue) -> ValueKind<Configuration.Queue> {
        Kind.object(
            Shape<Configuration.Queue>(
                "'queue'",
                title: "\(owner).queue",
                summary: "Requests that wait for their turn, first in, first out.",
                initial: initial,
                fields: queueFields
            ),
            initial: initial
        )
    }

    private static let environment = Kind.map(of: "variables", key: variableName, Kind.secret).transformed(
        show: { _ in nil },
        { pairs, _, _ in pairs.map { Configuration.EnvironmentVariable(name: $0.0, value: $0.1) } }
    )

    private static let variableName = Kind.parsed(
        "variable name",
        "the name of a variable",
        schema: ["type": ["string", "boolean"], "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"],
        show: { .string($0) },
        parse: { (text) throws(Complaint) in try GivenName.variable(text) }
    )
}
