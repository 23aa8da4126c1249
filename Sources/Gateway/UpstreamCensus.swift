import PenstockObservability
import PenstockReverseProxy
import Synchronization

/// The upstreams that run, for who looks at them from other threads: metrics and the admin API.
final class UpstreamCensus: Sendable {
    private let upstreams = Mutex<[UpstreamStatus]>([])

    func replace(_ statuses: [UpstreamStatus]) {
        upstreams.withLock { $0 = statuses.sorted { $0.settings.name < $1.settings.name } }
    }

    /// Those that run now, by name.
    var all: [UpstreamStatus] { upstreams.withLock { $0 } }

    /// Writes which endpoints are in and which are out, how many requests wait, and whose breaker is open.
    func report(to metrics: MetricsRegistry) {
        var states: [(values: [String], value: Int)] = []
        var waiting: [(values: [String], value: Int)] = []
        var breakers: [(values: [String], value: Int)] = []
        for upstream in all {
            let name = upstream.settings.name
            for endpoint in upstream.endpoints.endpoints {
                let current = EndpointState(endpoint)
                for state in EndpointState.allCases {
                    states.append(([name, endpoint.description.name, state.rawValue], state == current ? 1 : 0))
                }
            }
            if let count = upstream.waitingCount { waiting.append(([name], count)) }
            if let isOpen = upstream.isBreakerOpen { breakers.append(([name], isOpen ? 1 : 0)) }
        }
        metrics.replace(.upstreamEndpointState, states)
        metrics.replace(.upstreamQueue, waiting)
        metrics.replace(.upstreamBreaker, breakers)
    }
}

/// In a word, whether an endpoint gets requests, and why not.
enum EndpointState: String, CaseIterable {
    case `in`
    case ejected
    case unhealthy

    init(_ endpoint: EndpointStatus) {
        switch endpoint.reason {
        case nil: self = .in
        case .check: self = .unhealthy
        case .failuresInARow, .errorRate: self = .ejected
        }
    }
}
