import PenstockAdmin
import PenstockObservability
import TestSupport
import Testing

@Suite("Admin handler")
struct AdminHandlerTests {
    /// The front's client is one of another machine.
    @Test(arguments: [("/healthz", 200), ("/readyz", 503), ("/metrics", 403), ("/nothing", 404)])
    func `another machine is shown health, and no metrics`(_ path: String, _ status: Int) throws {
        let handler = AdminHandler(metrics: MetricsRegistry(), isReady: { false }, refresh: {})
        let front = try ScriptedFront(handler)
        #expect(front.answer("GET \(path)\nHost: 192.0.2.2:9901").status == status)
    }
}
