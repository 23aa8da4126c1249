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

    private static let upstream = Kind.object(upstreamShape, initial: noUpstream) { upstream, node, reader in
        guard !upstream.endpoints.isEmpty || upstream.registration != nil else {
            return nil as Configuration.Upstream?
        }
        if upstream.queue.isWritten, upstream.concurrency.value == nil, reader.hasRead("concurrency", at: node.position)
        {
            let place = node.entry("queue")?.key.position ?? node.position
            reader.error("'queue' has a meaning only with 'concurrency'", at: place)
        }
        warnOfShortKeepalive(upstream, &reader)
        return upstream
    }.completing { node, reader in
        upstreamShape.completed(node, by: reader.defaults.upstream) { key in
            key != "queue" || limitsConcurrency(node, reader.defaults.upstream)
        }
    }

    /// Whether requests wait for an upstream at all.
    private static func limitsConcurrency(_ node: Node, _ defaults: Node?) -> Bool {
        let entry = node.entry("concurrency") ?? defaults?.entry("concurrency")
        guard case .scalar(let scalar)? = entry?.value.content else { return false }
        return scalar.text != "none"
    }

    static let upstreamShape = Shape<Configuration.Upstream>(
        "an upstream",
        title: "upstreams.NAME",
        summary: "A service that speaks HTTP/1.1, at one endpoint or several.",
        initial: noUpstream,
        atLeastOne: ["endpoints", "registration"],
        identity: ["endpoints", "registration"],
        fields: upstreamPlaceFields + upstreamUseFields + upstreamForwardingFields
    )

    /// A service that closes idle connections first closes some of them while a request is on its way.
    private static func warnOfShortKeepalive(_ upstream: Configuration.Upstream, _ reader: inout Reader) {
        guard let service = upstream.keepalive.service.value, upstream.keepalive.connections.value > 0,
            service <= upstream.keepalive.idle.value
        else { return }
        reader.warning(
            "the service closes idle connections after \(service.written), before the gateway does"
                + " (\(upstream.keepalive.idle.value.written)): some requests will meet a closed one",
            at: upstream.keepalive.service.position,
            hint: "make 'idle' shorter, or the service's own time longer"
        )
    }

    static let upstreamPlaceFields: [Field<Configuration.Upstream>] = [
        Field(
            "endpoints",
            \.endpoints,
            endpoint.located.list(notEmpty: "an upstream needs at least one"),
            """
            Where it is: `http://HOST:PORT`, `unix:PATH`, or a mapping with a weight or an SRV name. A name is looked up \
            again when its DNS answer has run out; each of its addresses is an endpoint.
            """,
            default: "none"
        ),
        Field(
            "registration",
            \.registration,
            registration.optional,
            "Lets endpoints register themselves over the admin API (`PUT /v1/upstreams/NAME/endpoints`).",
            default: "none"
        ),
        Field(
            "balance",
            \.balance,
            balance.located,
            """
            Which endpoint gets a request: in turn, that with the fewest requests, the less busy of two random ones, or \
            always the same one for a key of the request (a mapping with `hash`).
            """
        ),
        Field(
            "sticky",
            \.sticky,
            sticky.optional,
            "A cookie that keeps a client with its endpoint, as long as that is in.",
            default: "none"
        ),
        Field(
            "slow_start",
            \.slowStart,
            Kind.duration().or("none").located,
            "In which time an endpoint that has come, or come back, gets more and more of its share."
        ),
    ]

    static let concurrency = Field<Configuration.Upstream>(
        "concurrency",
        \.concurrency,
        Kind.integer(1...1_000_000).or("none").located,
        "The most requests that it gets at a time, on all loops together; more of them wait."
    )

    private static let upstreamUseFields: [Field<Configuration.Upstream>] = [
        Field("health", \.health, health, "Which endpoints are out, and for how long.", default: "as below"),
        Field("timeouts", \.timeouts, upstreamTimeouts, "How long it may be silent.", default: "as below"),
        Field("keepalive", \.keepalive, keepalive, "How connections to it are kept.", default: "as below"),
        Field("retries", \.retries, retries(.process), "When a request is sent again.", default: "as below"),
        Field("buffer", \.buffer, buffer(.process), "What is held for slow clients.", default: "as below"),
        concurrency,
        Field(
            "queue",
            \.queue,
            queue("upstreams.NAME", Configuration.Queue(length: .unwritten(100))),
            "How requests over `concurrency` wait.",
            default: "as below"
        ),
        Field(
            "breaker",
            \.breaker,
            breaker.optional,
            "When it gets no requests for a while: they are answered with 503.",
            default: "none"
        ),
    ]

    // MARK: Endpoints

    private static let endpoint = endpointURL.or(
        Kind.object(
            Shape<EndpointDraft>(
                "an endpoint",
                title: "upstreams.NAME.endpoints[]",
                summary: "One place where the service answers. A URL alone may be written as it is.",
                initial: EndpointDraft(),
                exactlyOne: ["url", "srv"],
                fields: [
                    Field("url", \.url, endpointURL.optional, "`http://HOST:PORT` or `unix:PATH`."),
                    Field(
                        "srv",
                        \.srv,
                        serviceName.optional,
                        "A name such as `_http._tcp.shop.internal`, whose SRV records say where it is."
                    ),
                    Field(
                        "weight",
                        \.weight,
                        Kind.integer(1...1000),
                        "Its share of the requests, in relation to the other endpoints'."
                    ),
                ]
            ),
            initial: EndpointDraft()
        ) { draft, _, _ in
            guard let place = draft.url?.place ?? draft.srv.map({ .srv($0) }) else { return nil }
            return Configuration.Endpoint(place: place, weight: draft.weight)
        }
    )

    static let registrationFields: [Field<Configuration.Registration>] = [
        Field(
            "networks",
            \.networks,
            addressRange.located.list(notEmpty: "say where endpoints may be"),
            """
            Where they may be: addresses and ranges such as `10.0.0.0/8`. Loopback, link-local, multicast and unspecified \
            addresses are refused unless a range of them is listed; the gateway's own listeners always are.
            """,
            isRequired: true
        ),
        Field(
            "ttl",
            \.ttl,
            Kind.duration(.seconds(1) ... .hours(24)).located,
            "How long one is there without registering again, at most."
        ),
        Field("max", \.max, Kind.integer(1...10_000).located, "The most that are there at a time."),
    ]

    private static let registration = Kind.object(
        Shape<Configuration.Registration>(
            "'registration'",
            title: "upstreams.NAME.registration",
            summary: """
                Endpoints that register themselves, by their address, with the admin token; they live through reloads, not \
                through a restart of the gateway.
                """,
            initial: Configuration.Registration(),
            fields: registrationFields
        ),
        initial: Configuration.Registration()
    ) { registration, _, _ in registration.networks.isEmpty ? nil : registration }

    private struct EndpointDraft: Sendable {
        var url: Configuration.Endpoint?
        var srv: String?
        var weight = 1
    }

    private static let endpointURL = ValueKind<Configuration.Endpoint>(
        type: "URL",
        expectation: "a URL such as http://127.0.0.1:3000",
        schema: Kind.variable(or: ["type": "string", "pattern": "^([Hh][Tt][Tt][Pp]://[^/?#@]+/?|unix:.+)$"]),
        read: { node, reader in
            guard let text = reader.text(node, "a URL such as http://127.0.0.1:3000") else { return nil }
            do throws(Complaint) {
                return try Configuration.Endpoint.parse(text.value) { reader.resolve($0, at: node.position) }
            } catch {
                reader.refuse(text, error)
                return nil
            }
        },
        show: { .string($0.description) }
    )

    private static let serviceName = Kind.parsed(
        "name",
        "the name of SRV records such as _http._tcp.shop.internal",
        schema: Kind.variable(or: ["type": "string", "pattern": #"^_[A-Za-z0-9-]+\._(tcp|udp)\.[A-Za-z0-9_.-]+$"#]),
        show: { .string($0) },
        parse: { (text) throws(Complaint) in
            let labels = text.split(separator: ".", omittingEmptySubsequences: false)
            let isName = labels.dropLast(text.hasSuffix(".") ? 1 : 0).allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
            }
            guard labels.count > 2, isName, text.utf8.count < 254, labels[0].hasPrefix("_"), labels[0].count > 1,
                labels[1] == "_tcp" || labels[1] == "_udp"
            else { throw Complaint("is no name of SRV records", hint: "write '_http._tcp.NAME' (RFC 2782)") }
            return text
        }
    )

    // MARK: Time and connections

    static let upstreamTimeoutFields: [Field<Configuration.UpstreamTimeouts>] = [
        Field("connect", \.connect, Kind.duration().located, "Until a connection stands (504)."),
        Field(
            "first_byte",
            \.firstByte,
            Kind.duration().located,
            "From the end of a request to the first byte of its answer (504)."
        ),
        Field("idle", \.idle, Kind.duration().located, "Silence inside an answer, which is cut then."),
        Field(
            "per_try",
            \.perTry,
            Kind.duration().or("none").located,
            "One try, from looking for a connection to the head of the answer (504); the next try has its own."
        ),
    ]

    static let keepaliveFields: [Field<Configuration.Keepalive>] = [
        Field(
            "connections",
            \.connections,
            Kind.integer(0...65_536).located,
            "The most that are kept, for each loop and each address of an endpoint; 0 keeps none."
        ),
        Field(
            "idle",
            \.idle,
            Kind.duration().located,
            "How long one is kept; a second less than its `Keep-Alive: timeout=N` says, where that is shorter."
        ),
        Field(
            "service",
            \.service,
            Kind.duration().or("none").located,
            "How long the service itself keeps one; `check` warns where that is not longer than `idle`."
        ),
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
