internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    /// What a listener is filled into.
    struct ListenerDraft: Sendable {
        var listener = Configuration.Listener.standard
        var name: Located<String>?
    }

    static let listener = Kind.object(listenerShape, initial: ListenerDraft()) { draft, node, reader in
        var listener = draft.listener
        guard listener.address.isWritten else { return nil as Configuration.Listener? }
        listener.name = draft.name ?? Located("\(listener.address.value)", at: listener.address.position)
        reader.names[.listener, default: []].insert(listener.name.value)
        if listener.proxyProtocol.value, !listener.hasProxies, reader.hasRead("trusted_proxies", at: node.position) {
            reader.error(
                "'proxy_protocol' is believed of 'trusted_proxies' only, and there are none",
                at: listener.proxyProtocol.position,
                hint: "list the addresses of the proxies in front of this listener"
            )
        }
        return listener
    }

    private static let listenerShape = Shape<ListenerDraft>(
        "a listener",
        title: "listeners[]",
        summary: "An address that clients connect to.",
        initial: ListenerDraft(),
        fields: [
            Field(
                "name",
                \.name,
                listenerName.located.optional,
                "What routes, log and metrics call it.",
                default: "the address"
            ),
            Field(
                "address",
                \.listener.address,
                address.located,
                "`HOST:PORT`, `:PORT` (IPv4 and IPv6), `[IPV6]:PORT` or `unix:PATH`; port 0 is any free one.",
                isRequired: true
            ),
            Field(
                "trusted_proxies",
                \.listener.trustedProxies,
                addressRange.located.list,
                "Peers whose forwarding fields are believed: addresses and ranges such as `10.0.0.0/8`."
            ),
            Field(
                "proxy_protocol",
                \.listener.proxyProtocol,
                Kind.boolean.located,
                "Whether every connection begins with a PROXY protocol header (version 1 or 2), in which a trusted proxy"
                    + " names its client; other peers, and connections without one, are closed."
            ),
            Field(
                "limits",
                \.listener.limits,
                limits(.listener),
                "Limits of this listener.",
                default: "those of the process"
            ),
            Field(
                "timeouts",
                \.listener.timeouts,
                timeouts(.listener),
                "Timeouts of this listener.",
                default: "those of the process"
            ),
        ]
    )

    static let admin = Kind.object(
        Shape<Configuration.AdminListener>(
            "the admin listener",
            title: "admin",
            summary: "Not for clients: health, readiness and metrics. Its unix socket is made with mode 0600.",
            initial: noAdmin,
            fields: [
                Field(
                    "address",
                    \.address,
                    address.located,
                    "As a listener's address.",
                    isRequired: true
                )
            ]
        ),
        initial: noAdmin
    ) { draft, _, _ in draft.address.isWritten ? draft : nil }

    private static let noAdmin = Configuration.AdminListener(address: .unwritten(.any(port: 0)))

    private static let address = ValueKind<Address>(
        type: "address",
        expectation: "an address such as 127.0.0.1:8080",
        schema: Kind.variable(
            or: ["type": "string", "pattern": #"^(unix:.+|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}|[^:/*]*:[0-9]{1,5})$"#]
        ),
        read: { node, reader in
            guard let text = reader.text(node, "an address such as 127.0.0.1:8080") else { return nil }
            do throws(Complaint) {
                return try Address.parse(text.value) { reader.resolve($0, at: node.position) }
            } catch {
                reader.refuse(text, error)
                return nil
            }
        },
        show: { .string($0.description) }
    )

    static let addressRange = Kind.parsed(
        "address range",
        "an address or a range of them",
        schema: Kind.variable(
            or: [
                "type": "string",
                "pattern": #"^([0-9]+(\.[0-9]+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)(/[0-9]{1,3})?$"#,
            ]
        ),
        show: { .string($0.description) },
        parse: { (text) throws(Complaint) in try AddressRange.parse(text) }
    )

    private static let listenerName = ValueKind<String>(
        type: "name",
        expectation: "a name",
        schema: Kind.variable(or: nameSchema),
        read: { node, reader in
            let name = givenName.read(node, &reader)
            if case .scalar(let scalar) = node.content {
                reader.names[.listener, default: []].insert(name ?? scalar.text)
            }
            return name
        },
        show: { .string($0) }
    )

    /// The name of a function, an upstream or a listener.
    static let givenName = Kind.parsed(
        "name",
        "a name",
        schema: nameSchema,
        show: { .string($0) },
        parse: { (text) throws(Complaint) in try GivenName.parse(text) }
    )

    static let nameSchema: JSONValue = [
        "type": ["string", "integer", "boolean"], "pattern": "^[A-Za-z0-9_-]{1,64}$",
    ]
}

extension Configuration.Listener {
    /// Whether there is a peer whose word is taken; to a unix socket come only programs of the gateway's own user.
    fileprivate var hasProxies: Bool {
        if case .unix = address.value { return true }
        return !trustedProxies.isEmpty
    }
}
