import PenstockAdmin
import PenstockBytes
import PenstockConfiguration
import PenstockHTTP
import PenstockNetworking
import PenstockReverseProxy
import PenstockSystem

/// `/v1/upstreams`: how upstreams are, and endpoints that register themselves; on the supervisor's loop.
final class UpstreamAPI {
    /// An upstream that runs.
    struct Entry {
        let status: UpstreamStatus
        let discovery: EndpointDiscovery

        /// Who may register; `nil`: nobody.
        let rules: RegistrationRules?
    }

    private var entries: [String: Entry] = [:]
    private let loop: EventLoop
    private let own: OwnAddresses

    init(loop: EventLoop, own: OwnAddresses) {
        self.loop = loop
        self.own = own
    }

    /// Answers for other upstreams from now on.
    func replace(_ entries: [String: Entry]) { self.entries = entries }

    /// The endpoints of the API.
    var endpoints: [AdminEndpoint] {
        let one = "/v1/upstreams/{name}/endpoints"
        return [
            AdminEndpoint(.get, "/v1/upstreams", .operators) { _ in self.all },
            answering(.get, one) { (_, entry) throws(Refusal) in .json(self.report(entry).json) },
            answering(.put, one, register),
            answering(.delete, one, remove),
        ]
    }

    private typealias Refusal = RegistrationRequest.Refusal

    private func answering(
        _ method: Method,
        _ path: String,
        _ answer: @escaping (AdminRequest, Entry) throws(Refusal) -> AdminAnswer
    ) -> AdminEndpoint {
        AdminEndpoint(method, path, .operators) { request in
            do throws(Refusal) {
                return try answer(request, try self.entry(request.parameters[0]))
            } catch {
                return error.answer
            }
        }
    }

    private func entry(_ name: String) throws(Refusal) -> Entry {
        if let entry = entries[name] { return entry }
        let near = suggestion(for: name, among: entries.keys.sorted()).map { "; did you mean '\($0)'?" } ?? ""
        throw Refusal(status: 404, message: "there is no upstream '\(name)'\(near)")
    }

    private var all: AdminAnswer {
        let names = entries.keys.sorted()
        return .json(["upstreams": .array(names.compactMap { entries[$0] }.map { report($0).json })])
    }

    private func report(_ entry: Entry) -> UpstreamReport {
        UpstreamReport(entry.status, entry.discovery, at: loop.now)
    }

    // MARK: Registration

    private func register(_ request: AdminRequest, _ entry: Entry) throws(Refusal) -> AdminAnswer {
        let (rules, registry) = try registration(entry)
        let wanted = try RegistrationRequest(request)
        try check(wanted, entry, rules)
        let ttl = wanted.ttl ?? rules.ttl
        let expires = loop.now + ttl.nanoseconds
        let outcome = registry.register(wanted.endpoint, until: expires)
        guard outcome != .full else {
            throw Refusal(
                status: 409,
                message: "there are \(rules.most) registered endpoints, which is 'registration.max'"
            )
        }
        let answer: JSONValue = [
            "upstream": .string(entry.status.settings.name),
            "url": .string(wanted.endpoint.name),
            "weight": .number(wanted.endpoint.weight),
            "ttl": .string(ttl.written),
            "expires": .string(UpstreamReport.time(expires, now: loop.now)),
        ]
        return .json(answer, status: outcome == .came ? 201 : 200)
    }

    private func remove(_ request: AdminRequest, _ entry: Entry) throws(Refusal) -> AdminAnswer {
        let (_, registry) = try registration(entry)
        let wanted = try RegistrationRequest(request)
        let (name, url) = (entry.status.settings.name, wanted.endpoint.name)
        guard registry.remove(at: wanted.address) else {
            throw Refusal(status: 404, message: "'\(url)' is not registered with '\(name)'")
        }
        return .json(["upstream": .string(name), "url": .string(url)])
    }

    private func registration(_ entry: Entry) throws(Refusal) -> (RegistrationRules, EndpointRegistry) {
        if let rules = entry.rules, let registry = entry.discovery.registry { return (rules, registry) }
        let name = entry.status.settings.name
        throw Refusal(
            status: 409,
            message: "endpoints of '\(name)' cannot register themselves; give it "
                + "'registration: { networks: [10.0.0.0/8] }'"
        )
    }

    private func check(_ wanted: RegistrationRequest, _ entry: Entry, _ rules: RegistrationRules) throws(Refusal) {
        guard !own.contains(wanted.address) else {
            throw Refusal(status: 403, message: "\(wanted.address) is a listener of the gateway itself")
        }
        if let refusal = rules.refusal(of: wanted.ip) { throw Refusal(status: 403, message: refusal) }
        if let ttl = wanted.ttl, ttl > rules.ttl {
            throw Refusal(
                status: 422,
                message: "'ttl' is \(ttl.written): at most \(rules.ttl.written) ('registration.ttl')"
            )
        }
        switch entry.discovery.origin(of: wanted.address) {
        case .configured?, .discovered?:
            throw Refusal(
                status: 409,
                message: "\(wanted.address) is one of the 'endpoints' of '\(entry.status.settings.name)' already"
            )
        case .registered?, nil: break
        }
    }
}
