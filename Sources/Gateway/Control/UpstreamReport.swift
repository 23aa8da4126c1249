import PenstockBytes
import PenstockNetworking
import PenstockObservability
import PenstockReverseProxy
import PenstockSystem

/// An upstream as it is at a moment: what the admin API shows, and `explain` repeats.
public struct UpstreamReport: Sendable {
    let name: String

    /// Whether its circuit breaker is open; `nil`: it has none.
    let isBreakerOpen: Bool?

    /// Requests that wait for their turn; `nil`: none ever does.
    let waiting: Int?

    let endpoints: [Endpoint]

    /// One of its endpoints.
    struct Endpoint: Sendable {
        let name: String
        let address: String
        let state: EndpointState

        /// Why it is out.
        let reason: String?
        let weight: Int

        /// Requests that it has now; `nil` where its upstream's balance does not count them.
        let requests: Int?

        /// `configured`, `discovered` or `registered`.
        let origin: String

        /// Until when it is registered, in RFC 3339.
        let expires: String?
    }
}

extension UpstreamReport {
    /// What holds now, on the loop of `discovery`.
    init(_ status: UpstreamStatus, _ discovery: EndpointDiscovery, at now: Instant) {
        name = status.settings.name
        isBreakerOpen = status.isBreakerOpen
        waiting = status.waitingCount
        let counts = status.settings.balance.countsRequests
        endpoints = status.endpoints.endpoints.map { Endpoint($0, discovery, counts: counts, at: now) }
    }

    /// What a gateway has said; `nil` where it said something else.
    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let endpoints = json["endpoints"]?.array else { return nil }
        self.name = name
        isBreakerOpen = json["breaker"]?.string.map { $0 == "open" }
        waiting = json["waiting"]?.integer
        self.endpoints = endpoints.compactMap(Endpoint.init)
    }

    var json: JSONValue {
        [
            "name": .string(name),
            "breaker": isBreakerOpen.map { $0 ? "open" : "closed" } ?? .null,
            "waiting": waiting.map { .number($0) } ?? .null,
            "endpoints": .array(endpoints.map(\.json)),
        ]
    }

    /// A moment on the clock of the wall, in RFC 3339.
    static func time(_ moment: Instant, now: Instant) -> String {
        var timestamp = Timestamp()
        var text = ByteBuffer()
        timestamp.append(MonotonicClock.wallNanoseconds() + (moment - now), to: &text)
        return String(decoding: text.readable, as: UTF8.self)
    }
}

extension UpstreamReport.Endpoint {
    fileprivate init(_ status: EndpointStatus, _ discovery: EndpointDiscovery, counts: Bool, at now: Instant) {
        let description = status.description
        name = description.name
        address = description.addresses[0].description
        state = EndpointState(status)
        reason = status.reason?.description
        weight = description.weight
        requests = counts ? status.requestCount : nil
        switch discovery.origin(of: description.addresses[0]) {
        case .configured?:
            origin = "configured"
            expires = nil
        case .registered(let until)?:
            origin = "registered"
            expires = UpstreamReport.time(until, now: now)
        case .discovered?, nil:
            origin = "discovered"
            expires = nil
        }
    }

    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let address = json["address"]?.string,
            let state = json["state"]?.string.flatMap(EndpointState.init), let origin = json["origin"]?.string
        else { return nil }
        self.name = name
        self.address = address
        self.state = state
        self.origin = origin
        reason = json["reason"]?.string
        weight = json["weight"]?.integer ?? 1
        requests = json["requests"]?.integer
        expires = json["expires"]?.string
    }

    fileprivate var json: JSONValue {
        [
            "name": .string(name),
            "address": .string(address),
            "state": .string(state.rawValue),
            "reason": reason.map { .string($0) } ?? .null,
            "weight": .number(weight),
            "requests": requests.map { .number($0) } ?? .null,
            "origin": .string(origin),
            "expires": expires.map { .string($0) } ?? .null,
        ]
    }
}
