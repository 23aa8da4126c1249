import Logging
import PenstockConfiguration
import PenstockNetworking
import PenstockReverseProxy
import PenstockSystem
import PenstockTransport

/// What all loops know of each upstream; it lives through reloads that leave the upstream as it is.
///
/// Used by the control thread only.
final class UpstreamSet {
    private var statuses: [String: UpstreamStatus] = [:]
    /// What runs, for other threads.
    let census = UpstreamCensus()

    private var checkers: [String: Handover<HealthChecker>] = [:]
    private let loops: Int
    private let context: LoopContext
    private let log: Logger

    /// The upstreams of a configuration, to be taken into use, or dropped.
    struct Prepared {
        fileprivate(set) var statuses: [String: UpstreamStatus] = [:]
        fileprivate var endpoints: [String: [EndpointDescription]] = [:]
    }

    /// - Parameters:
    ///   - loops: how many loops relay.
    ///   - supervisor: the loop on which endpoints are asked for their health.
    ///   - log: told what becomes of them.
    init(loops: Int, supervisor: EventLoop, log: Logger) {
        self.loops = loops
        context = LoopContext(loop: supervisor)
        self.log = log
    }

    /// Makes what a configuration needs, beside what runs.
    func prepare(_ running: RunningConfiguration) -> Prepared {
        var prepared = Prepared()
        for upstream in running.configuration.upstreams {
            let name = upstream.name.value
            let settings = UpstreamSettings(upstream)
            let endpoints = running.endpoints[name] ?? []
            prepared.endpoints[name] = endpoints
            if let old = statuses[name], old.settings == settings {
                prepared.statuses[name] = old
                continue
            }
            let status = UpstreamStatus(
                settings,
                loops: loops,
                replacing: statuses[name],
                report: { [log] change in log.report(change, of: name) }
            )
            _ = status.replace(with: endpoints, at: statuses[name] == nil ? nil : MonotonicClock.now())
            prepared.statuses[name] = status
        }
        return prepared
    }

    /// Takes into use what was prepared.
    ///
    /// - Returns: the endpoints of each upstream, for the loops.
    func commit(_ prepared: Prepared) -> [String: EndpointList] {
        let gone = checkers.filter { prepared.statuses[$0.key] !== statuses[$0.key] }
        for (name, checker) in gone {
            checkers[name] = nil
            context.loop.submit { checker.value.stop() }
        }
        statuses = prepared.statuses
        census.replace(Array(statuses.values))
        var lists: [String: EndpointList] = [:]
        for (name, status) in statuses {
            let list = status.replace(with: prepared.endpoints[name] ?? [], at: MonotonicClock.now())
            lists[name] = list
            check(list, of: status)
        }
        return lists
    }

    private func check(_ list: EndpointList, of status: UpstreamStatus) {
        guard status.settings.active != nil else { return }
        let name = status.settings.name
        let checker = checkers[name] ?? Handover(HealthChecker(status, context: context))
        checkers[name] = checker
        context.loop.submit { checker.value.watch(list) }
    }

    /// Asks no endpoint any more.
    func close() {
        for checker in checkers.values { context.loop.submit { checker.value.stop() } }
        checkers = [:]
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
        case .breaker(false): info("the circuit breaker is closed again", metadata: ["upstream": "\(upstream)"])
        }
    }

    private func about(_ endpoint: EndpointStatus, _ upstream: String, _ more: Metadata = [:]) -> Metadata {
        var metadata: Metadata = ["upstream": "\(upstream)", "endpoint": "\(endpoint.description.name)"]
        if let reason = endpoint.reason { metadata["reason"] = "\(reason)" }
        return metadata.merging(more) { first, _ in first }
    }
}
