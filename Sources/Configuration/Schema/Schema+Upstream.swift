internal import PenstockBytes

extension Schema {
    static let upstreams = Kind.map(
        of: "upstreams",
        key: givenName,
        upstream,
        visit: { name, reader in reader.names[.upstream, default: []].insert(name) }
    ).transformed(
        show: { _ in nil },
        { upstreams, _, _ in
            upstreams.map { name, upstream -> Configuration.Upstream in
                var upstream = upstream
                upstream.name = name
                return upstream
            }
        }
    )

    private static let noUpstream = Configuration.Upstream(name: .unwritten(""), endpoints: [])

    private static let upstream = Kind.object(
        Shape<Configuration.Upstream>(
            "an upstream",
            title: "upstreams.NAME",
            summary: "A service that speaks HTTP/1.1; requests take its endpoints in turn.",
            initial: noUpstream,
            fields: [
                Field(
                    "endpoints",
                    \.endpoints,
                    endpoint.located.list(notEmpty: "an upstream needs at least one"),
                    "Where it is: `http://HOST:PORT`. Names are looked up when the file is loaded.",
                    isRequired: true
                ),
                Field("timeouts", \.timeouts, upstreamTimeouts, "How long it may be silent.", default: "as below"),
                Field("keepalive", \.keepalive, keepalive, "How connections to it are kept.", default: "as below"),
            ]
        ),
        initial: noUpstream
    ) { upstream, _, _ in upstream.endpoints.isEmpty ? nil : upstream }

    private static let endpoint = Kind.parsed(
        "URL",
        "a URL such as http://127.0.0.1:3000",
        schema: Kind.variable(or: ["type": "string", "pattern": "^[Hh][Tt][Tt][Pp]://[^/?#@]+/?$"]),
        show: { .string($0.description) },
        parse: { (text) throws(Complaint) in try Configuration.Endpoint.parse(text) }
    )

    static let upstreamTimeoutFields: [Field<Configuration.UpstreamTimeouts>] = [
        Field("connect", \.connect, Kind.duration().located, "Until a connection stands (504)."),
        Field(
            "first_byte",
            \.firstByte,
            Kind.duration().located,
            "From the end of a request to the first byte of its answer (504)."
        ),
        Field("idle", \.idle, Kind.duration().located, "Silence inside an answer, which is cut then."),
    ]

    static let keepaliveFields: [Field<Configuration.Keepalive>] = [
        Field(
            "connections",
            \.connections,
            Kind.integer(0...65_536).located,
            "The most that are kept, for each loop and each address of an endpoint; 0 keeps none."
        ),
        Field("idle", \.idle, Kind.duration().located, "How long one is kept."),
    ]

    private static let upstreamTimeouts = Kind.object(
        Shape<Configuration.UpstreamTimeouts>(
            "the timeouts of an upstream",
            title: "upstreams.NAME.timeouts",
            summary: "The upstream's side.",
            initial: Configuration.UpstreamTimeouts(),
            fields: upstreamTimeoutFields
        ),
        initial: Configuration.UpstreamTimeouts()
    )

    private static let keepalive = Kind.object(
        Shape<Configuration.Keepalive>(
            "'keepalive'",
            title: "upstreams.NAME.keepalive",
            summary: "Connections that wait for the next request.",
            initial: Configuration.Keepalive(),
            fields: keepaliveFields
        ),
        initial: Configuration.Keepalive()
    )
}
