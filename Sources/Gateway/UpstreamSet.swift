import Glibc
import Logging
import PenstockConfiguration
import PenstockNetworking
import PenstockPatterns
import PenstockReverseProxy
import PenstockSystem
import PenstockTransport

/// The upstreams as all loops know them: their endpoints, found and watched on the supervisor's loop.
///
/// Used by the control thread only. What a reload leaves as it is lives through it.
final class UpstreamSet {
    /// What runs, for other threads.
    let census = UpstreamCensus()

    /// What the admin API says of it.
    let api: UpstreamAPI

    private var running: [String: Member] = [:]
    private let loops: Int
    private let context: LoopContext
    private let log: Logger

    /// An upstream, and who looks after its endpoints.
    fileprivate struct Member {
        let status: UpstreamStatus
        let endpoints: [Configuration.Endpoint]
        let resolver: Configuration.Resolver
        let registration: RegistrationRules?
        let discovery: Handover<EndpointDiscovery>
        let checker: Handover<HealthChecker>
    }

    /// The upstreams of a configuration, to be taken into use, or dropped.
    struct Prepared {
        fileprivate var members: [String: Member] = [:]

        /// What all loops know of each.
        var statuses: [String: UpstreamStatus] { members.mapValues(\.status) }
    }

    /// How long a start, or a reload, waits for name servers, in nanoseconds.
    private static let patience: Int64 = 5_000_000_000

    /// - Parameters:
    ///   - loops: how many loops relay.
    ///   - supervisor: the loop on which endpoints are looked for, and asked for their health.
    ///   - own: where the gateway listens: no endpoint may register itself there.
    ///   - log: told what becomes of them.
    init(loops: Int, supervisor: EventLoop, own: OwnAddresses, log: Logger) {
        self.loops = loops
        api = UpstreamAPI(loop: supervisor, own: own)
        context = LoopContext(loop: supervisor)
        self.log = log
    }

    /// Makes what a configuration needs, beside what runs, and waits a while for the answers of name servers.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - isInterrupted: whether to wait no longer.
    /// - Returns: the upstreams; those whose names have no answer yet get their endpoints when it comes.
    /// - Throws: ``GatewayError`` when it was interrupted.
    func prepare(
        _ configuration: Configuration,
        unless isInterrupted: () -> Bool = { false }
    ) throws(GatewayError) -> Prepared {
        var prepared = Prepared()
        var resolvers: [Configuration.Resolver: Handover<NameResolver>] = [:]
        for upstream in configuration.upstreams {
            let name = upstream.name.value
            let settings = UpstreamSettings(upstream)
            let endpoints = upstream.endpoints.map(\.value)
            let registration = upstream.registration.map(RegistrationRules.init)
            let old = running[name]
            if let old, old.status.settings == settings, old.endpoints == endpoints,
                old.resolver == configuration.resolver, old.registration == registration
            {
                prepared.members[name] = old
                continue
            }
            let resolver =
                resolvers[configuration.resolver]
                ?? Handover(NameResolver(on: context.loop, settings: ResolverSettings(configuration.resolver)))
            resolvers[configuration.resolver] = resolver
            prepared.members[name] = member(
                settings,
                endpoints,
                registration,
                configuration.resolver,
                resolver,
                replacing: old
            )
        }
        let deadline = MonotonicClock.now() + Self.patience
        let fresh = prepared.members.values.map(\.discovery)
        while !fresh.allSatisfy(\.value.isSettled), MonotonicClock.now() < deadline {
            guard !isInterrupted() else {
                discard(prepared)
                throw GatewayError("a signal came while the addresses of upstreams were asked for")
            }
            usleep(1000)
        }
        return prepared
    }

    private func member(
        _ settings: UpstreamSettings,
        _ endpoints: [Configuration.Endpoint],
        _ registration: RegistrationRules?,
        _ configured: Configuration.Resolver,
        _ resolver: Handover<NameResolver>,
        replacing old: Member?
    ) -> Member {
        let name = settings.name
        let status = UpstreamStatus(
            settings,
            loops: loops,
            replacing: old?.status,
            report: { [log] change in log.report(change, of: name) }
        )
        let checker = Handover(HealthChecker(status, context: context))
        let loop = context.loop
        let made = Box<EndpointDiscovery>()
        // A closure that held the old one would hold all that were before it.
        let isFirst = old == nil
        loop.perform { [log] in
            made.value = EndpointDiscovery(
                endpoints.map(EndpointSource.init),
                resolver: resolver.value,
                loop: loop,
                registry: registration.map { rules in
                    EndpointRegistry(
                        loop: loop,
                        most: rules.most,
                        admits: rules.admits,
                        report: { endpoint, change in log.report(change, of: endpoint, in: name) }
                    )
                },
                replacing: old?.discovery.value,
                changed: { descriptions in
                    let isNew = isFirst && status.endpoints.endpoints.isEmpty
                    checker.value.watch(status.replace(with: descriptions, at: isNew ? nil : loop.now))
                },
                failed: { failure, host in log.report(failure, of: host, in: name) }
            )
        }
        guard let discovery = made.value else { preconditionFailure("made above") }
        return Member(
            status: status,
            endpoints: endpoints,
            resolver: configured,
            registration: registration,
            discovery: Handover(discovery),
            checker: checker
        )
    }

    /// Carries what one thread made to the one that waits for it.
    private final class Box<Value>: @unchecked Sendable {
        var value: Value?
    }

    /// Takes into use what was prepared.
    func commit(_ prepared: Prepared) {
        let old = running
        running = prepared.members
        census.replace(running.values.map(\.status))
        let gone = old.filter { running[$0.key]?.status !== $0.value.status }.map(\.value)
        let fresh = running.filter { old[$0.key]?.status !== $0.value.status }.map(\.value)
        let entries = Handover(running.mapValues(\.entry))
        let api = Handover(api)
        context.loop.perform {
            for member in gone { member.stop() }
            for member in fresh { member.discovery.value.publish() }
            api.value.replace(entries.value)
        }
    }

    /// Lets go of what was prepared, and not taken into use.
    func discard(_ prepared: Prepared) {
        let unused = prepared.members.filter { running[$0.key]?.status !== $0.value.status }.map(\.value)
        context.loop.perform { for member in unused { member.stop() } }
    }

    /// Looks after no endpoint any more.
    func close() {
        let all = Array(running.values)
        let api = Handover(api)
        context.loop.submit {
            api.value.replace([:])
            for member in all { member.stop() }
        }
        running = [:]
    }
}

extension UpstreamSet.Member {
    fileprivate var entry: UpstreamAPI.Entry {
        UpstreamAPI.Entry(status: status, discovery: discovery.value, rules: registration)
    }

    /// On the supervisor's loop.
    fileprivate func stop() {
        discovery.value.stop()
        checker.value.stop()
    }
}

extension EndpointSource {
    /// What the configuration says of an endpoint.
    init(_ endpoint: Configuration.Endpoint) {
        let place: Place
        switch endpoint.place {
        case .http(.ip(let ip), let port):
            place = .address(SocketAddress(ip, port: port))
        case .http(.name(let name), let port): place = .host(name, port: port)
        case .unix(let path): place = SocketAddress(path: path).map { .address($0) } ?? .host(path, port: 0)
        case .srv(let name): place = .service(name)
        }
        self.init(
            name: "\(endpoint.place)",
            authority: endpoint.authority,
            place: place,
            weight: endpoint.weight
        )
    }
}

extension Logger {
    /// Says what has become of an endpoint, or of a whole upstream.
    fileprivate func report(_ change: UpstreamStatus.Change, of upstream: String) {
        switch change {
        case .ejected(let endpoint, let seconds):
            warning("an endpoint is out", metadata: about(endpoint, upstream, ["seconds": "\(seconds)"]))
        case .readmitted(let endpoint): info("an endpoint is in again", metadata: about(endpoint, upstream))
        case .unhealthy(let endpoint): warning("an endpoint is out", metadata: about(endpoint, upstream))
        case .healthy(let endpoint): info("an endpoint is in again", metadata: about(endpoint, upstream))
        case .breaker(true):
            warning("the circuit breaker is open: requests get 503", metadata: ["upstream": "\(upstream)"])
        case .exhausted(let reason):
            warning("cannot connect to an upstream", metadata: ["upstream": "\(upstream)", "error": "\(reason)"])
        case .breaker(false): info("the circuit breaker is closed again", metadata: ["upstream": "\(upstream)"])
        }
    }

    /// Says what has become of an endpoint that had registered itself.
    fileprivate func report(
        _ change: EndpointRegistry.Change,
        of endpoint: EndpointDescription,
        in upstream: String
    ) {
        var about: Metadata = ["upstream": "\(upstream)", "endpoint": "\(endpoint.name)"]
        switch change {
        case .came:
            about["weight"] = "\(endpoint.weight)"
            info("an endpoint has registered itself", metadata: about)
        case .left: info("an endpoint has taken itself back", metadata: about)
        case .expired: warning("an endpoint is gone: it has not registered itself again", metadata: about)
        case .dropped: warning("an endpoint is gone: 'registration' has no place for it any more", metadata: about)
        }
    }

    /// Says that a name has no answer, or has one again.
    fileprivate func report(_ failure: ResolutionError?, of host: String, in upstream: String) {
        guard let failure else {
            return info("a name has an answer again", metadata: ["upstream": "\(upstream)", "name": "\(host)"])
        }
        warning(
            "a name has no answer; asking again, with what was known before",
            metadata: ["upstream": "\(upstream)", "name": "\(host)", "error": "\(failure.reason)"]
        )
    }

    private func about(_ endpoint: EndpointStatus, _ upstream: String, _ more: Metadata = [:]) -> Metadata {
        var metadata: Metadata = ["upstream": "\(upstream)", "endpoint": "\(endpoint.description.name)"]
        if let reason = endpoint.reason { metadata["reason"] = "\(reason)" }
        return metadata.merging(more) { first, _ in first }
    }
}
