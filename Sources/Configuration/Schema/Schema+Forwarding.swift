internal import PenstockBytes

extension Schema {
    static let upstreamForwardingFields: [Field<Configuration.Upstream>] = [
        hostField,
        Field(
            "forwarding",
            \.forwarding,
            forwarding,
            "What it is told of the client, and of the way.",
            default: "as below"
        ),
    ]

    private static let forwarding = Kind.object(
        Shape<Configuration.Forwarding>(
            "'forwarding'",
            title: "upstreams.NAME.forwarding",
            summary: "What is added to a request for it. Of `trusted_proxies` what they say is kept, and added to.",
            initial: Configuration.Forwarding(),
            fields: forwardingFields
        ),
        initial: Configuration.Forwarding()
    )

    static let forwardingFields: [Field<Configuration.Forwarding>] = [
        Field(
            "x_forwarded",
            \.xForwarded,
            Kind.boolean.located,
            "`X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`."
        ),
        Field(
            "forwarded",
            \.forwarded,
            Kind.boolean.located,
            "`Forwarded` (RFC 7239) with `for`, `host` and `proto`; it takes in a trusted `X-Forwarded-For`."
        ),
        Field(
            "via",
            \.via,
            Kind.choice(Configuration.Via.self).located,
            "To which messages `Via: 1.1 penstock` is added: to no one's, to `requests`, or to `both` requests and"
                + " responses."
        ),
    ]

    /// The key of an upstream that says what the Host field is.
    static let hostField: Field<Configuration.Upstream> = Field(
        "host",
        \.host,
        hostFieldKind.located,
        "The Host field of requests: `keep` the client's, that of the `endpoint`, or a host such as `shop.internal:8080`."
            + " A route that sets `Host` wins."
    )

    private static let hostFieldKind = Kind.parsed(
        "`keep`, `endpoint` or host",
        "keep, endpoint or a host such as shop.internal",
        schema: Kind.variable(
            or: [
                "type": ["string", "boolean"],
                "pattern": .string(
                    #"^(\[[0-9A-Fa-f:.]+\]|(?![0-9]+(:|$)|-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)(:[0-9]{1,5})?$"#
                ),
            ]
        ),
        show: { .string($0.description) },
        parse: { (text) throws(Complaint) in try Configuration.HostField.parse(text) }
    )
}
