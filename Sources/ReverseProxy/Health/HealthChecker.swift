import PenstockNetworking
import PenstockSystem
public import PenstockTransport

/// Asks the endpoints of an upstream for their health, on one loop for all.
public final class HealthChecker {
    private let status: UpstreamStatus
    private let context: LoopContext
    private var probes: [HealthProbe] = []

    /// A checker that asks nobody yet.
    public init(_ status: UpstreamStatus, context: LoopContext) {
        self.status = status
        self.context = context
    }

    /// Asks these endpoints from now on; those that were asked before go on as they were.
    public func watch(_ list: EndpointList) {
        guard let settings = status.settings.active else { return }
        var known = Dictionary(
            probes.map { (ObjectIdentifier($0.endpoint), $0) },
            uniquingKeysWith: { first, _ in first }
        )
        probes = list.endpoints.map { endpoint in
            known.removeValue(forKey: ObjectIdentifier(endpoint))
                ?? HealthProbe(endpoint, settings, context: context) { [status, loop = context.loop] failure in
                    status.checked(endpoint, failure: failure, at: loop.now)
                }
        }
        for gone in known.values { gone.stop() }
    }

    /// Asks nobody any more.
    public func stop() {
        for probe in probes { probe.stop() }
        probes = []
    }
}
