import PenstockNetworking
public import PenstockSystem
import PenstockTransport
import Synchronization

/// What all loops know of an upstream: its endpoints, which of them are out, and what bounds its requests.
public final class UpstreamStatus: Sendable {
    /// How it is used.
    public let settings: UpstreamSettings

    let breaker: CircuitBreaker?
    let limit: ConcurrencyLimit?
    private let loops: Int
    private let report: @Sendable (Change) -> Void

    /// How many endpoints are out: while none is, nobody looks at each.
    private let out = Atomic<Int>(0)

    /// Until when an endpoint is starting slowly.
    private let slowUntil = Atomic<Int64>(.min)

    /// When the log is told again that there is nothing left to connect with.
    private let nextExhaustion = Atomic<Int64>(.min)

    private let list = Mutex(EndpointList.empty)

    /// The upstream's object on each loop, which hear of other endpoints.
    private let users = Mutex<[User]>([])

    private struct User: @unchecked Sendable {  // looked at on its own loop only
        let loop: EventLoop
        weak var upstream: Upstream?

        func tell(_ list: EndpointList) { loop.submit { [self] in upstream?.replaceEndpoints(list) } }
    }

    /// What the log is told.
    public enum Change: Sendable {
        case ejected(EndpointStatus, seconds: Int)
        case readmitted(EndpointStatus)
        case unhealthy(EndpointStatus)
        case healthy(EndpointStatus)
        case breaker(isOpen: Bool)
        /// No connection can be made for want of descriptors, memory or ports; said once a second.
        case exhausted(reason: String)
    }

    /// An upstream without endpoints.
    ///
    /// - Parameters:
    ///   - settings: how it is used.
    ///   - loops: how many loops use it.
    ///   - old: what was known of the upstream of this name before a reload: its endpoints keep their health.
    ///   - report: told of changes, on any thread.
    public init(
        _ settings: UpstreamSettings,
        loops: Int,
        replacing old: UpstreamStatus? = nil,
        report: @escaping @Sendable (Change) -> Void
    ) {
        self.settings = settings
        self.loops = loops
        self.report = report
        breaker = settings.breaker.map { CircuitBreaker($0, loops: loops) }
        limit = settings.concurrency.map { ConcurrencyLimit($0) }
        guard let old, old.settings.passive == settings.passive else { return }
        let endpoints = old.endpoints
        list.withLock { $0 = endpoints }
        out.store(old.out.load(ordering: .relaxed), ordering: .relaxed)
    }

    /// Requests that wait for their turn; `nil` where none ever does.
    public var waitingCount: Int? { limit?.waiting }

    /// Whether its circuit breaker holds requests off; `nil` where there is none.
    public var isBreakerOpen: Bool? { breaker?.isOpen }

    // MARK: Endpoints

    /// The endpoints that there are now.
    public var endpoints: EndpointList { list.withLock { $0 } }

    /// Makes `descriptions` the endpoints; those that were there before keep what is known of them.
    ///
    /// - Parameters:
    ///   - descriptions: what there is from now on.
    ///   - now: when they came; `nil` where the upstream is new as a whole, so that none starts slowly.
    /// - Returns: the list, of which the loops hear.
    @discardableResult
    public func replace(with descriptions: [EndpointDescription], at now: Instant?) -> EndpointList {
        let (next, isIn) = list.withLock { list in
            var known = Dictionary(
                list.endpoints.map { ($0.description, $0) },
                uniquingKeysWith: { first, _ in first }
            )
            let statuses = descriptions.map { description in
                known.removeValue(forKey: description)
                    ?? EndpointStatus(description, passive: settings.passive, loops: loops, cameAt: now)
            }
            list = EndpointList(statuses, needsRing: settings.balance.needsRing)
            return (list, statuses.count { $0.isIn })
        }
        out.store(descriptions.count - isIn, ordering: .relaxed)
        if let now { startSlowly(at: now) }
        for user in users.withLock({ $0 }) { user.tell(next) }
        return next
    }

    /// Tells `upstream` of other endpoints from now on.
    func subscribe(_ upstream: Upstream) {
        let user = User(loop: upstream.loop, upstream: upstream)
        users.withLock { users in
            users.removeAll { $0.upstream == nil }
            users.append(user)
        }
        user.tell(endpoints)
    }

    /// Whether every endpoint is in.
    var areAllIn: Bool { out.load(ordering: .relaxed) == 0 }

    /// Whether so few endpoints are in that health is ignored.
    func isInPanic(_ inCount: Int, of count: Int) -> Bool { inCount * 100 < settings.panic * count || inCount == 0 }

    func isStartingSlowly(at now: Instant) -> Bool { now.nanoseconds < slowUntil.load(ordering: .relaxed) }

    private func startSlowly(at now: Instant) {
        guard settings.slowStart > 0 else { return }
        slowUntil.store((now + settings.slowStart).nanoseconds, ordering: .relaxed)
    }

    // MARK: Health

    /// A request of `endpoint` has ended.
    func record(isFailure: Bool, _ endpoint: EndpointStatus, on loop: Int, at now: Instant) {
        guard let passive = settings.passive else { return }
        guard isFailure else { return endpoint.succeeded(on: loop, at: now) }
        guard let reason = endpoint.failed(passive, on: loop, at: now) else { return }
        let list = endpoints.endpoints
        // The last ones stay: they answer some requests, nobody answers none.
        guard !isInPanic(list.count { $0.isIn && $0 !== endpoint }, of: list.count) else { return }
        guard let length = endpoint.eject(reason, passive, at: now) else { return }
        out.add(1, ordering: .relaxed)
        report(.ejected(endpoint, seconds: Int(length / 1_000_000_000)))
    }

    /// Lets endpoints back in whose time is over.
    func readmit(_ endpoint: EndpointStatus, at now: Instant) {
        guard endpoint.readmit(at: now) else { return }
        recount()
        startSlowly(at: now)
        report(.readmitted(endpoint))
    }

    /// A health check has decided: `failure` is why the endpoint is out.
    func checked(_ endpoint: EndpointStatus, failure: String?, at now: Instant) {
        guard endpoint.checked(failure, at: now) else { return }
        recount()
        if failure == nil { startSlowly(at: now) }
        report(failure == nil ? .healthy(endpoint) : .unhealthy(endpoint))
    }

    /// This machine has nothing left to connect with.
    func exhausted(_ reason: String, at now: Instant) {
        let next = nextExhaustion.load(ordering: .relaxed)
        let later = (now + 1_000_000_000).nanoseconds
        guard now.nanoseconds >= next,
            nextExhaustion.compareExchange(expected: next, desired: later, ordering: .relaxed).exchanged
        else { return }
        report(.exhausted(reason: reason))
    }

    private func recount() {
        let count = endpoints.endpoints.count { !$0.isIn }
        out.store(count, ordering: .relaxed)
    }

    // MARK: The breaker

    func recordForBreaker(isFailure: Bool, wasProbe: Bool, on loop: Int, at now: Instant) {
        guard let breaker else { return }
        guard let isOpen = breaker.record(isFailure: isFailure, wasProbe: wasProbe, on: loop, at: now) else { return }
        report(.breaker(isOpen: isOpen))
    }
}

/// The endpoints of an upstream at a time, for all loops.
public struct EndpointList: Sendable {
    /// In the order of the configuration.
    public let endpoints: [EndpointStatus]

    let ring: HashRing?

    static let empty = EndpointList([], needsRing: false)

    init(_ endpoints: [EndpointStatus], needsRing: Bool) {
        self.endpoints = endpoints
        ring = needsRing ? HashRing(endpoints.map(\.description)) : nil
    }
}
