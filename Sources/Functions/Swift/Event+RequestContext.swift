import PenstockBytes

extension Event {
    /// Who asked for what, and when.
    public struct RequestContext: Sendable {
        /// The request itself.
        public struct HTTP: Sendable {
            /// `GET`, `POST`, ...
            public let method: String

            /// As ``Event/rawPath``.
            public let path: String

            /// `HTTP/1.1`, or `HTTP/1.0`.
            public let `protocol`: String

            /// The client's address, without a port: the peer's, or what a trusted proxy says.
            public let sourceIP: String

            /// The `User-Agent` field; empty where there is none.
            public let userAgent: String
        }

        /// The request itself.
        public let http: HTTP

        /// The id that the log and the field `x-request-id` carry.
        public let requestID: String

        /// The route: `GET /users/{id}`, `ANY /shop`, `$default`.
        public let routeKey: String

        /// Always `$default`.
        public let stage: String

        /// The host that the client named, in lower case, without a port.
        public let domainName: String

        /// The first label of ``domainName``.
        public let domainPrefix: String

        /// When the request came: `12/Mar/2020:19:03:58 +0000`.
        public let time: String

        /// When the request came, in milliseconds since 1970.
        public let timeEpoch: Int

        /// A placeholder for AWS's account number.
        public let accountID: String

        /// A placeholder for AWS's number of the API.
        public let apiID: String
    }
}

extension Event.RequestContext {
    init(_ source: Event.Source) {
        switch source {
        case .request(let snapshot): self.init(snapshot)
        case .json(let json): self.init(json["requestContext"] ?? .null)
        }
    }

    private init(_ json: JSONValue) {
        func text(_ value: JSONValue?) -> String { value?.string ?? "" }
        let http = json["http"] ?? .null
        self.init(
            http: HTTP(
                method: text(http["method"]),
                path: text(http["path"]),
                protocol: text(http["protocol"]),
                sourceIP: text(http["sourceIp"]),
                userAgent: text(http["userAgent"])
            ),
            requestID: text(json["requestId"]),
            routeKey: text(json["routeKey"]),
            stage: text(json["stage"]),
            domainName: text(json["domainName"]),
            domainPrefix: text(json["domainPrefix"]),
            time: text(json["time"]),
            timeEpoch: json["timeEpoch"]?.integer ?? 0,
            accountID: text(json["accountId"]),
            apiID: text(json["apiId"])
        )
    }

    private init(_ snapshot: RequestSnapshot) {
        let method = snapshot.text(snapshot.method)
        let host = snapshot.text(snapshot.host)
        self.init(
            http: HTTP(
                method: method,
                path: snapshot.text(snapshot.path),
                protocol: snapshot.minorVersion > 0 ? "HTTP/1.1" : "HTTP/1.0",
                sourceIP: snapshot.text(snapshot.client),
                userAgent: snapshot.text(snapshot.userAgent)
            ),
            requestID: snapshot.text(snapshot.requestID),
            routeKey: snapshot.route.key(method: method),
            stage: "$default",
            domainName: host,
            domainPrefix: String(host.prefix { $0 != "." }),
            time: snapshot.time,
            timeEpoch: Int(snapshot.wallNanoseconds / 1_000_000),
            accountID: "123456789012",
            apiID: "penstock"
        )
    }
}
