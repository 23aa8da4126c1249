internal import PenstockBytes

/// Which endpoint of an upstream gets a request.
extension Schema {
    static let balance = balanceWord.or(
        Kind.object(
            Shape<BalanceDraft>(
                "'balance'",
                title: "upstreams.NAME.balance",
                summary: "The same endpoint for the same key; few keys move when endpoints come and go.",
                initial: BalanceDraft(),
                fields: [
                    Field("hash", \.key, hashKey.optional, "What of a request is the key.", isRequired: true)
                ]
            ),
            initial: BalanceDraft()
        ) { draft, _, _ in draft.key.map { .hash($0) } }
    )

    private struct BalanceDraft: Sendable {
        var key: Configuration.HashKey?
    }

    private enum BalanceWord: String, CaseIterable {
        case roundRobin = "round_robin"
        case leastRequests = "least_requests"
        case randomTwo = "random_two"
    }

    private static let balanceWord = Kind.choice(BalanceWord.self).transformed(
        show: { (balance: Configuration.Balance) in
            switch balance {
            case .roundRobin: .roundRobin
            case .leastRequests: .leastRequests
            case .randomTwo: .randomTwo
            case .hash: nil
            }
        },
        { word, _, _ in
            switch word {
            case .roundRobin: .roundRobin
            case .leastRequests: .leastRequests
            case .randomTwo: .randomTwo
            }
        }
    )

    private static let hashKey = clientAddressWord.or(
        Kind.object(
            Shape<HashKeyDraft>(
                "'hash'",
                title: "upstreams.NAME.balance.hash",
                summary: "The key, or the word `client_address`. Requests without it go to the endpoints in turn.",
                initial: HashKeyDraft(),
                exactlyOne: ["header", "cookie", "query"],
                fields: [
                    Field("header", \.header, matchableName.interpolated.optional, "The value of a field."),
                    Field("cookie", \.cookie, cookieName.interpolated.optional, "The value of a cookie."),
                    Field("query", \.query, Kind.line.optional, "The value of a parameter of the query, as it came."),
                ]
            ),
            initial: HashKeyDraft()
        ) { draft, _, _ in
            if let name = draft.header { return .header(name) }
            if let name = draft.cookie { return .cookie(name) }
            return draft.query.map { .query($0) }
        }
    )

    private struct HashKeyDraft: Sendable {
        var header: String?
        var cookie: String?
        var query: String?
    }

    private enum HashWord: String, CaseIterable {
        case clientAddress = "client_address"
    }

    private static let clientAddressWord = Kind.choice(HashWord.self).transformed(
        show: { (key: Configuration.HashKey) in key == .clientAddress ? .clientAddress : nil },
        { _, _, _ in .clientAddress }
    )

    static let cookieName = Kind.parsed(
        "cookie name",
        "the name of a cookie",
        schema: ["type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"],
        show: { .string($0) },
        parse: { (text) throws(Complaint) in try FieldName.cookie(text) }
    )

    private static let noCookie = Configuration.Sticky(cookie: .unwritten(""))

    static let sticky = Kind.object(
        Shape<Configuration.Sticky>(
            "'sticky'",
            title: "upstreams.NAME.sticky",
            summary: "The cookie tells nothing of the endpoint but a hash of its name.",
            initial: noCookie,
            fields: [
                Field("cookie", \.cookie, cookieName.interpolated.located, "The cookie's name.", isRequired: true),
                Field(
                    "age",
                    \.age,
                    Kind.duration(.seconds(1) ... .hours(24 * 365)).or("none").located,
                    "How long it lives; `none`: as long as the browser's session."
                ),
            ]
        ),
        initial: noCookie
    ) { sticky, _, _ in sticky.cookie.isWritten ? sticky : nil }
}
