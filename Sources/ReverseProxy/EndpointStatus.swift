public import PenstockNetworking
import PenstockSystem
import Synchronization

/// One place where an upstream answers.
public struct EndpointDescription: Hashable, Sendable {
    /// As it is known to people, `http://10.0.0.7:3000`; where a name stands for several, with the address.
    public let name: String

    /// What a Host field says of it.
    public let authority: String

    /// Where it is: the address to use first, then one of the other family for when that does not answer.
    public let addresses: [SocketAddress]

    /// Its share of the requests, in relation to the others': 1...1000.
    public let weight: Int

    /// Describes an endpoint.
    public init(name: String, authority: String, addresses: [SocketAddress], weight: Int = 1) {
        self.name = name
        self.authority = authority
        self.addresses = addresses
        self.weight = weight
    }
}

/// What all loops know of an endpoint: whether it is in, and how many requests it has.
public final class EndpointStatus: Sendable {
    /// Which endpoint it is.
    public let description: EndpointDescription

    /// Requests that it has now; counted only where its upstream's balance asks for it.
    private let requests = Atomic<Int>(0)

    /// The moment until which it is out for what became of its requests; 0: it is not.
    private let ejectedUntil = Atomic<Int64>(0)

    /// Whether its health checks say that it is out.
    private let isDown = Atomic<Bool>(false)

    /// Failures in a row.
    private let failures = Atomic<Int>(0)

    /// When it came, or came back.
    private let cameAt: Atomic<Int64>

    private let window: OutcomeWindow?
    private let history = Mutex(History())

    private struct History {
        /// How often in a row it was ejected.
        var ejections = 0
        /// When the last ejection ended.
        var lastEnd = Instant(nanoseconds: 0)
        var reason: Reason?
    }

    /// Why an endpoint is out.
    public enum Reason: Sendable, Equatable {
        case failuresInARow(Int)
        case errorRate(percent: Int)
        /// The last health check's failure.
        case check(String)
    }

    /// An endpoint that is in.
    ///
    /// - Parameters:
    ///   - description: which one it is.
    ///   - passive: whether its failures are counted.
    ///   - loops: on how many loops.
    ///   - cameAt: when it came; `nil`: it has always been there.
    init(_ description: EndpointDescription, passive: PassiveHealthSettings?, loops: Int, cameAt: Instant?) {
        self.description = description
        self.cameAt = Atomic(cameAt?.nanoseconds ?? .min)
        window = passive?.errorRate == nil ? nil : OutcomeWindow(nanoseconds: passive?.window ?? 1, loops: loops)
    }

    /// Whether it gets requests.
    public var isIn: Bool { ejectedUntil.load(ordering: .relaxed) == 0 && !isDown.load(ordering: .relaxed) }

    /// Why it gets none; `nil`: it does.
    public var reason: Reason? { isIn ? nil : history.withLock { $0.reason } }

    /// The part of its weight that it has at `now`, in 1/256: less than all while it starts slowly.
    func share(at now: Instant, slowStart: Int64) -> Int {
        let came = cameAt.load(ordering: .relaxed)
        guard slowStart > 0, came != .min else { return 256 }
        let age = now.nanoseconds &- came
        return age >= slowStart ? 256 : max(16, Int(max(0, age) / max(1, slowStart / 256)))
    }

    /// Whether it is starting slowly.
    func isStarting(at now: Instant, slowStart: Int64) -> Bool { share(at: now, slowStart: slowStart) < 256 }

    // MARK: Its requests

    /// Requests that it has now.
    public var requestCount: Int { requests.load(ordering: .relaxed) }

    func began() { requests.add(1, ordering: .relaxed) }

    func ended() { requests.subtract(1, ordering: .relaxed) }

    /// A request went well.
    func succeeded(on loop: Int, at now: Instant) {
        if failures.load(ordering: .relaxed) != 0 { failures.store(0, ordering: .relaxed) }
        window?.record(isFailure: false, on: loop, at: now)
    }

    /// A request has failed.
    ///
    /// - Returns: why it should be out now, if it should.
    func failed(_ settings: PassiveHealthSettings, on loop: Int, at now: Instant) -> Reason? {
        let count = failures.add(1, ordering: .relaxed).newValue
        window?.record(isFailure: true, on: loop, at: now)
        if let most = settings.failures, count >= most { return .failuresInARow(count) }
        if let rate = settings.errorRate, let window, window.isOver(rate, of: settings.requests, at: now) {
            return .errorRate(percent: rate)
        }
        return nil
    }

    // MARK: Out and in

    /// Takes it out for a while.
    ///
    /// - Returns: for how many nanoseconds; `nil`: it was out already.
    func eject(_ reason: Reason, _ settings: PassiveHealthSettings, at now: Instant) -> Int64? {
        history.withLock { history in
            guard ejectedUntil.load(ordering: .relaxed) == 0 else { return nil }
            // What was out long ago begins anew.
            if now - history.lastEnd > settings.ejectMost { history.ejections = 0 }
            let factor = Int64(1) << min(20, Int64(history.ejections))
            let (product, overflow) = settings.eject.multipliedReportingOverflow(by: factor)
            let length = overflow ? settings.ejectMost : min(settings.ejectMost, product)
            history.ejections += 1
            history.lastEnd = now + length
            history.reason = reason
            failures.store(0, ordering: .relaxed)
            window?.clear()
            ejectedUntil.store(max(1, (now + length).nanoseconds), ordering: .relaxed)
            return length
        }
    }

    /// Lets it back in if its time is over.
    ///
    /// - Returns: whether this call has.
    func readmit(at now: Instant) -> Bool {
        let until = ejectedUntil.load(ordering: .relaxed)
        guard until != 0, now.nanoseconds >= until else { return false }
        guard ejectedUntil.compareExchange(expected: until, desired: 0, ordering: .relaxed).exchanged else {
            return false
        }
        if !isDown.load(ordering: .relaxed) { cameAt.store(now.nanoseconds, ordering: .relaxed) }
        return true
    }

    /// Its health checks have decided.
    ///
    /// - Returns: whether that is new.
    func checked(_ failure: String?, at now: Instant) -> Bool {
        let wasDown = isDown.load(ordering: .relaxed)
        if let failure { history.withLock { $0.reason = .check(failure) } }
        guard wasDown != (failure != nil) else { return false }
        isDown.store(failure != nil, ordering: .relaxed)
        if failure == nil { cameAt.store(now.nanoseconds, ordering: .relaxed) }
        return true
    }
}

extension EndpointStatus.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .failuresInARow(let count): "\(count) failures in a row"
        case .errorRate(let percent): "\(percent) % or more of its requests failed"
        case .check(let failure): "health check: \(failure)"
        }
    }
}
