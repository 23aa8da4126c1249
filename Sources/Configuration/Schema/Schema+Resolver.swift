internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    static let resolver = Kind.object(
        Shape<Configuration.Resolver>(
            "'resolver'",
            title: "resolver",
            summary: """
                Names are looked up in /etc/hosts, then by DNS, and again when the answer has run out. While there is no \
                answer, the last one holds.
                """,
            initial: Configuration.Resolver(),
            fields: [
                Field(
                    "servers",
                    \.servers,
                    nameServer.list,
                    "Name servers: `ADDRESS` or `ADDRESS:PORT`.",
                    default: "those of /etc/resolv.conf"
                ),
                Field(
                    "timeout",
                    \.timeout,
                    Kind.duration(.milliseconds(10) ... .seconds(60)),
                    "How long one of them may be silent."
                ),
                Field("tries", \.tries, Kind.integer(1...10), "How often each is asked."),
            ]
        ),
        initial: Configuration.Resolver()
    )

    private static let nameServer = Kind.parsed(
        "name server",
        "the address of a name server such as 192.0.2.53",
        schema: Kind.variable(or: ["type": "string"]),
        show: { .string($0.description) },
        parse: { (text) throws(Complaint) in
            if let address = IPAddress(text) { return Configuration.NameServer(address: address) }
            guard case .host(.ip(let address), let port) = try Address.parse(text) else {
                throw Complaint(
                    "is not the address of a name server",
                    hint: "write '192.0.2.53' or '[2001:db8::53]:53'"
                )
            }
            return Configuration.NameServer(address: address, port: port)
        }
    )
}
