public import PenstockNetworking
public import PenstockSystem
import Synchronization

/// Keeps the endpoints of an upstream: those of the configuration, what name servers say, and what has registered itself;
/// on one loop for all.
///
/// Until ``publish()`` it only asks, so that a reload can wait for its answers.
public final class EndpointDiscovery {
    private let sources: [EndpointSource]
    private let resolver: NameResolver
    private let loop: EventLoop
    private let changed: ([EndpointDescription]) -> Void
    private let failed: (ResolutionError?, String) -> Void
    private var lookups: [EndpointSource.Place: Lookup] = [:]
    private var isPublished = false
    private let isSettledNow = Atomic<Bool>(false)

    /// Endpoints that were not asked for; `nil` where none may come.
    public let registry: EndpointRegistry?

    /// The discovery that this one replaces, whose registrations go on until this one is published.
    private var replaced: EndpointDiscovery?

    /// Begins to ask, on `loop`.
    ///
    /// - Parameters:
    ///   - sources: what the configuration says.
    ///   - resolver: that of the loop.
    ///   - loop: where everything happens.
    ///   - registry: an empty one, for endpoints that register themselves.
    ///   - old: the discovery that this one replaces: what it knows is known here too.
    ///   - changed: told what the endpoints are, each time that they are others.
    ///   - failed: told why a name has no answer, when it begins and, with `nil`, when it ends.
    public init(
        _ sources: [EndpointSource],
        resolver: NameResolver,
        loop: EventLoop,
        registry: EndpointRegistry? = nil,
        replacing old: EndpointDiscovery?,
        changed: @escaping ([EndpointDescription]) -> Void,
        failed: @escaping (ResolutionError?, String) -> Void
    ) {
        self.sources = sources
        self.resolver = resolver
        self.loop = loop
        self.changed = changed
        self.failed = failed
        self.registry = registry
        replaced = old
        for source in sources where lookups[source.place] == nil {
            if case .address = source.place { continue }
            let lookup = Lookup(source.place, resolver, loop, knowing: old?.lookups[source.place])
            lookup.discovery = self
            lookups[source.place] = lookup
        }
        for lookup in lookups.values { lookup.start() }
        registry?.changed = { [weak self] in self?.publishChange() }
        noteSettled()
    }

    /// Whether every name has had an answer, or a failure; from any thread.
    public var isSettled: Bool { isSettledNow.load(ordering: .acquiring) }

    /// Tells what the endpoints are from now on.
    public func publish() {
        replaced?.registry?.hand(to: registry)
        replaced = nil
        isPublished = true
        changed(endpoints)
    }

    /// Asks nobody any more.
    public func stop() {
        isPublished = false
        replaced = nil
        registry?.stop()
        for lookup in lookups.values { lookup.stop() }
    }

    /// How it is known that there is an endpoint.
    public enum Origin: Sendable {
        case configured
        case discovered
        case registered(until: Instant)
    }

    /// How it is known that there is an endpoint at an address; `nil`: it is not.
    public func origin(of address: SocketAddress) -> Origin? {
        for source in sources where endpoints(source).contains(where: { $0.addresses.contains(address) }) {
            if case .address = source.place { return .configured }
            return .discovered
        }
        let registration = registry?.registrations.first { $0.endpoint.addresses == [address] }
        return registration.map { .registered(until: $0.expires) }
    }

    private var endpoints: [EndpointDescription] {
        var seen: Set<EndpointDescription> = []
        let known = sources.flatMap(endpoints).filter { seen.insert($0).inserted }
        guard let registered = registry?.registrations, !registered.isEmpty else { return known }
        // A name may come to stand for an address that has registered itself.
        let addresses = Set(known.flatMap(\.addresses))
        return known + registered.map(\.endpoint).filter { addresses.isDisjoint(with: $0.addresses) }
    }

    private func endpoints(_ source: EndpointSource) -> [EndpointDescription] {
        if case .address(let address) = source.place { return source.endpoints(at: [address]) }
        guard let lookup = lookups[source.place] else { return [] }
        let services = lookup.services.elements
        return services.isEmpty ? source.endpoints(at: lookup.addresses.elements) : source.endpoints(of: services)
    }

    fileprivate func learned(hasChanged: Bool) {
        noteSettled()
        if hasChanged { publishChange() }
    }

    private func publishChange() { if isPublished { changed(endpoints) } }

    fileprivate func note(_ failure: ResolutionError?, _ name: String) { failed(failure, name) }

    private func noteSettled() {
        if lookups.values.allSatisfy(\.isSettled) { isSettledNow.store(true, ordering: .releasing) }
    }
}

/// One name, asked for again and again.
private final class Lookup: TimerTarget {
    unowned(unsafe) var discovery: EndpointDiscovery?  // it stops its lookups before it goes
    private(set) var addresses = Discovery<SocketAddress>()
    private(set) var services = Discovery<Service>()
    private(set) var isSettled = false
    private let place: EndpointSource.Place
    private let resolver: NameResolver
    private let loop: EventLoop
    private var question: NameQuestion?
    private var hasFailed = false
    private let timer = Timer()

    init(_ place: EndpointSource.Place, _ resolver: NameResolver, _ loop: EventLoop, knowing old: Lookup?) {
        self.place = place
        self.resolver = resolver
        self.loop = loop
        if let old {
            addresses = old.addresses
            services = old.services
            isSettled = old.isSettled
            hasFailed = old.hasFailed
        }
        timer.target = self
    }

    func start() { isSettled ? wait() : ask() }

    func stop() {
        loop.cancel(timer)
        question?.cancel()
        discovery = nil
    }

    func expired(_ timer: Timer) { ask() }

    private func wait() {
        if case .service = place { loop.set(timer, at: services.next) } else { loop.set(timer, at: addresses.next) }
    }

    private func ask() {
        switch place {
        case .address: break
        case .host(let host, let port):
            question = resolver.addresses(of: host, port: port) { [weak self] outcome in
                guard let self else { return }
                let change = addresses.receive(outcome, at: loop.now)
                learned(hasChanged: change != nil, addresses.failure, host)
            }
        case .service(let name):
            question = resolver.services(of: name) { [weak self] outcome in
                guard let self else { return }
                let change = services.receive(outcome, at: loop.now)
                learned(hasChanged: change != nil, services.failure, name)
            }
        }
    }

    private func learned(hasChanged: Bool, _ failure: ResolutionError?, _ name: String) {
        question = nil
        isSettled = true
        wait()
        if hasFailed != (failure != nil) {
            hasFailed = failure != nil
            discovery?.note(failure, name)
        }
        discovery?.learned(hasChanged: hasChanged)
    }
}
