import PenstockBytes
import PenstockHTTP
public import PenstockObservability

extension AdminEndpoint {
    /// `/healthz`: the process lives.
    public static var health: AdminEndpoint { AdminEndpoint(.get, "/healthz", .everyone) { _ in .text("ok\n") } }

    /// `/readyz`: whether requests are welcome.
    public static func readiness(_ isReady: @escaping () -> Bool) -> AdminEndpoint {
        AdminEndpoint(.get, "/readyz", .everyone) { _ in
            isReady() ? .text("ready\n") : .text("not ready\n", status: 503)
        }
    }

    /// `/metrics`, to this machine alone.
    ///
    /// - Parameters:
    ///   - metrics: what is shown.
    ///   - refresh: brings those up to date that are looked at rather than counted.
    /// - Returns: the endpoint.
    public static func metrics(_ metrics: MetricsRegistry, refresh: @escaping () -> Void) -> AdminEndpoint {
        AdminEndpoint(.get, "/metrics", .thisMachine) { _ in
            refresh()
            var text = ByteBuffer()
            metrics.write(to: &text)
            return .content(Array(text.readable), type: MetricsRegistry.contentType)
        }
    }
}
