public import PenstockNetworking
public import PenstockSystem

/// Endpoints that have registered themselves, each until its time is over; on one loop.
public final class EndpointRegistry: TimerTarget {
    /// An endpoint, and until when it is there.
    public struct Registration: Sendable {
        public let endpoint: EndpointDescription
        public let expires: Instant
    }

    /// What becomes of an endpoint.
    public enum Change: Sendable {
        case came
        /// It has taken itself back.
        case left
        case expired
        /// A reload has left it no place.
        case dropped
    }

    /// What became of a wish to register.
    public enum Outcome: Sendable {
        case came
        case renewed
        /// There are as many as there may be.
        case full
    }

    /// Those that are there, in the order in which they came.
    public private(set) var registrations: [Registration] = []

    /// Told when the endpoints are others.
    var changed: () -> Void = {}

    private let loop: EventLoop
    private let most: Int
    private let admits: (SocketAddress) -> Bool
    private let report: (EndpointDescription, Change) -> Void
    private let timer = Timer()

    /// An empty registry.
    ///
    /// - Parameters:
    ///   - loop: where everything happens.
    ///   - most: how many endpoints there may be.
    ///   - admits: whether one that was there before a reload may be at its address still.
    ///   - report: told of every change.
    public init(
        loop: EventLoop,
        most: Int,
        admits: @escaping (SocketAddress) -> Bool,
        report: @escaping (EndpointDescription, Change) -> Void
    ) {
        self.loop = loop
        self.most = most
        self.admits = admits
        self.report = report
        timer.target = self
    }

    /// Adds an endpoint, or gives the one at its address more time, and its weight.
    ///
    /// - Parameters:
    ///   - endpoint: with one address.
    ///   - expires: until when it is there.
    /// - Returns: what became of it.
    public func register(_ endpoint: EndpointDescription, until expires: Instant) -> Outcome {
        let registration = Registration(endpoint: endpoint, expires: expires)
        if let index = registrations.firstIndex(where: { $0.endpoint.addresses == endpoint.addresses }) {
            let hasChanged = registrations[index].endpoint != endpoint
            registrations[index] = registration
            setTimer()
            if hasChanged { changed() }
            return .renewed
        }
        guard registrations.count < most else { return .full }
        registrations.append(registration)
        setTimer()
        report(endpoint, .came)
        changed()
        return .came
    }

    /// Takes the endpoint at an address away.
    ///
    /// - Returns: whether it was there.
    public func remove(at address: SocketAddress) -> Bool {
        guard let index = registrations.firstIndex(where: { $0.endpoint.addresses == [address] }) else { return false }
        let removed = registrations.remove(at: index)
        setTimer()
        report(removed.endpoint, .left)
        changed()
        return true
    }

    /// Gives all endpoints to the registry that takes this one's place, as far as that has a place for them.
    func hand(to next: EndpointRegistry?) {
        for registration in registrations where next?.adopt(registration) != true {
            report(registration.endpoint, .dropped)
        }
        registrations = []
        stop()
    }

    private func adopt(_ registration: Registration) -> Bool {
        guard registrations.count < most, registration.endpoint.addresses.allSatisfy(admits) else { return false }
        registrations.append(registration)
        setTimer()
        return true
    }

    /// Lets no time run out any more.
    func stop() { loop.cancel(timer) }

    public func expired(_ timer: Timer) {
        let gone = registrations.filter { $0.expires <= loop.now }
        registrations.removeAll { $0.expires <= loop.now }
        setTimer()
        for registration in gone { report(registration.endpoint, .expired) }
        if !gone.isEmpty { changed() }
    }

    private func setTimer() {
        guard let next = registrations.map(\.expires).min() else { return loop.cancel(timer) }
        loop.set(timer, at: next)
    }
}
