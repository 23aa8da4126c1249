internal import PenstockBytes

/// Every key of routes.yaml, declared once: parser, defaults, diagnostics, JSON Schema and reference are read off it.
enum Schema {
    /// What the file is filled into.
    struct Draft: Sendable {
        var configuration = Configuration()
        var version = 1

        /// The older name of `shutdown.timeout`.
        var drain: Located<Duration>?

        var defaults = Defaults()
        var included: [IncludedFile] = []
    }

    /// The whole file.
    static let root = Kind.object(shape, initial: Draft()) { draft, node, reader in
        var configuration = draft.configuration
        // The listener of a file that names none stands for no listener that could not be read.
        if !reader.hasRead("listeners", at: node.position) {
            configuration.listeners.removeAll { !$0.address.isWritten }
        }
        if let drain = draft.drain { configuration.shutdown.take(drain, &reader) }
        if !configuration.state.isWritten {
            configuration.state.value = reader.surroundings.resolve(configuration.state.value)
        }
        configuration.functions += draft.included.flatMap(\.functions)
        configuration.upstreams += draft.included.flatMap(\.upstreams)
        configuration.routes += draft.included.flatMap(\.routes)
        return configuration
    }

    /// What a key of another mapping belongs to: `a function`; the one that lies least deep, or two of all; otherwise `nil`.
    static func owner(of key: String) -> String? {
        var owners: [String] = []
        var first: [String] = []
        var sections = [shape.section]
        while !sections.isEmpty {
            for section in sections where section.rows.contains(where: { $0.key == key }) {
                if !owners.contains(section.name) { owners.append(section.name) }
            }
            if first.isEmpty { first = owners }
            sections = sections.flatMap(\.inner)
        }
        if owners.count > 2, first.count == 1 { return first[0] }
        return owners.isEmpty || owners.count > 2 ? nil : owners.sorted().joined(separator: " and ")
    }

    static let shape = Shape<Draft>(
        "the file",
        title: "The file",
        summary: "The keys at the left margin.",
        initial: Draft(),
        fields: process + parts
    )

    private static let process: [Field<Draft>] = [
        Field("version", \.version, version, "The version of this format."),
        Field(
            "loops",
            \.configuration.loops,
            Kind.integer(1...1024).or("auto"),
            "Event loops, one core each; `auto`: one for each core that this process may use, within its cgroup's limit."
        ),
        Field(
            "io",
            \.configuration.io,
            Kind.choice(Configuration.InputOutput.self),
            "How a loop sends what has gathered: `epoll`: a system call each; `io_uring`: all in one, which costs less CPU; where the kernel has none or forbids it, the log says so, and it is `epoll`; `auto`: the same without a warning."
        ),
        Field(
            "drain",
            \.drain,
            Kind.duration(.zero ... .hours(24)).located.optional,
            "The older name of `shutdown.timeout`.",
            default: "none"
        ),
        Field("shutdown", \.configuration.shutdown, shutdown, "How it ends after SIGTERM.", default: "as below"),
        Field(
            "server",
            \.configuration.server,
            serverName.or("false", evenQuoted: false),
            "The Server field of responses; `false` without quotes leaves it out."
        ),
        Field(
            "listeners",
            \.configuration.listeners,
            listener.list(notEmpty: "a gateway needs at least one listener"),
            "Where clients connect.",
            default: "one, named `public`, on `127.0.0.1:8080`"
        ),
        Field(
            "admin",
            \.configuration.admin,
            admin.optional,
            "Where `/healthz`, `/readyz` and `/metrics` are served.",
            default: "nowhere"
        ),
        Field(
            "state",
            \.configuration.state,
            Kind.path.located,
            "The gateway's own folder, made with mode 0700; one gateway a folder."
        ),
        Field(
            "access_log",
            \.configuration.accessLog,
            accessLog.or("false"),
            "A line for each request; `false` is off.",
            default: "`{ to: stdout, format: text }`"
        ),
        Field(
            "log",
            \.configuration.log,
            log,
            "The gateway's own log, on standard error.",
            default: "`{ level: info }`"
        ),
        Field(
            "limits",
            \.configuration.limits,
            limits(.process),
            "How much of everything is accepted; here for the process, in a listener and in a route: the nearest holds.",
            default: "as below"
        ),
        Field(
            "timeouts",
            \.configuration.timeouts,
            timeouts(.process),
            "How long a client may be silent; here for the process, in a listener and in a route: the nearest holds.",
            default: "as below"
        ),
        Field(
            "error_pages",
            \.configuration.errorPages,
            errorPages,
            "Pages for what the gateway answers itself; those of a route come before them.",
            default: "JSON"
        ),
        Field(
            "resolver",
            \.configuration.resolver,
            resolver,
            "Who is asked for the addresses of upstreams.",
            default: "as the system is set up"
        ),
        Field("paths", \.configuration.paths, paths, "How request paths are read.", default: "as below"),
    ]

    /// The keys that included files do not have.
    static let processKeys = process.map(\.key).filter { $0 != "version" } + ["defaults"]

    private static let parts: [Field<Draft>] = [
        Field(
            "include",
            \.included,
            include,
            """
            Files with more `functions`, `upstreams` and `routes`, and patterns of them such as `conf.d/*.yaml`, sorted by \
            name. Their routes come after the file's own; their paths are relative to themselves.
            """
        ),
        Field(
            "defaults",
            \.defaults,
            defaults,
            "What functions, upstreams and routes need not say.",
            default: "nothing"
        ),
        Field(
            "functions",
            \.configuration.functions,
            functions,
            "Functions, by name: letters, digits, `_` and `-`.",
            default: "none"
        ),
        Field(
            "upstreams",
            \.configuration.upstreams,
            upstreams,
            "Services that requests are forwarded to, by name: letters, digits, `_` and `-`.",
            default: "none"
        ),
        Field(
            "routes",
            \.configuration.routes,
            routes,
            """
            Which requests are answered by what. The highest priority wins, then the most specific host, then path; \
            then the order in the file.
            """,
            default: "none"
        ),
    ]

    private static let serverName = ValueKind<String>(
        type: Kind.line.type,
        expectation: Kind.line.expectation,
        schema: ["type": ["string", "number"], "minLength": 1],
        read: { node, reader in
            guard let text = Kind.line.read(node, &reader) else { return nil }
            guard case .scalar(let scalar) = node.content, scalar.isPlain, switches.contains(text.lowercased()) else {
                return text
            }
            let hint = "write false to leave it out, or the text in quotes"
            reader.refuse(
                Text(value: text, written: scalar.text, isPlain: true, position: node.position),
                Complaint("is no name for a server", hint: hint)
            )
            return nil
        },
        show: Kind.line.show
    )

    /// What somebody writes who takes `server` for a switch.
    private static let switches: Set = ["true", "yes", "on", "no", "off"]

    static let version = Kind.parsed(
        "`1`",
        "the version 1",
        schema: Kind.variable(or: ["enum": [1]], quoted: "1"),
        show: { (version: Int) in .number(version) },
        parse: { (text) throws(Complaint) in
            guard text == "1" else { throw Complaint("is not a version that this program reads: 1 only") }
            return 1
        }
    )

    private static let accessLog = Kind.object(
        Shape<Configuration.AccessLog>(
            "the access log",
            title: "access_log",
            summary:
                "Lines are written by a thread of their own; where it cannot keep up they are dropped and counted.",
            initial: Configuration.AccessLog(),
            fields: [
                Field("to", \.to, logDestination.located, "`stdout`, `stderr`, or a file that is appended to."),
                Field("format", \.format, Kind.choice(Configuration.LogFormat.self), "How a line is written."),
            ]
        ),
        initial: Configuration.AccessLog()
    )

    private static let logDestination = ValueKind<Configuration.LogDestination>(
        type: "`stdout`, `stderr` or path",
        expectation: "stdout, stderr or a path",
        schema: Kind.lineSchema,
        read: { node, reader in
            guard let text = Kind.line.read(node, &reader) else { return nil }
            return switch text {
            case "stdout": .standardOutput
            case "stderr": .standardError
            default: .file(reader.resolve(text, at: node.position))
            }
        },
        show: { destination in
            switch destination {
            case .standardOutput: "stdout"
            case .standardError: "stderr"
            case .file(let path): .string(path)
            }
        }
    )

    private static let log = Kind.object(
        Shape<Configuration.Log>(
            "the log",
            title: "log",
            summary: "Lines on standard error. Those of functions are written whatever the level.",
            initial: Configuration.Log(),
            fields: [
                Field(
                    "level",
                    \.level,
                    Kind.choice(Configuration.LogLevel.self),
                    "The least level of the gateway's own lines."
                )
            ]
        ),
        initial: Configuration.Log()
    )

    private static let paths = Kind.object(
        Shape<Configuration.Paths>(
            "'paths'",
            title: "paths",
            summary: "Paths are normalised once, and what is routed is what is forwarded.",
            initial: Configuration.Paths(),
            fields: [
                Field("merge_slashes", \.mergeSlashes, Kind.boolean, "Whether `//` is read as `/`."),
                Field(
                    "encoded_slashes",
                    \.encodedSlashes,
                    Kind.choice(Configuration.EncodedSlashes.self),
                    "What becomes of `%2F`: kept inside its segment, or the request is refused with 400."
                ),
            ]
        ),
        initial: Configuration.Paths()
    )
}
