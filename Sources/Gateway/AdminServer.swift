import Logging
import PenstockAdmin
import PenstockHTTP
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport
import Synchronization

/// The admin listener, on the supervisor's loop: it answers while the loops that serve are busy.
final class AdminServer {
    private let server: Server
    private let state: ListenerState
    private let ready = ReadyFlag()

    /// Readiness, as the control thread sets it and the admin loop reads it.
    private final class ReadyFlag: Sendable {
        let value = Atomic<Bool>(false)
    }

    /// Exchanges of the admin listener are not logged.
    private final class Unrecorded: ExchangeRecorder {
        func ended(_ exchange: Exchange) {}
    }

    /// Answers on `loop`.
    ///
    /// - Parameters:
    ///   - loop: the supervisor's.
    ///   - metrics: what `/metrics` shows.
    ///   - log: is told what goes wrong.
    ///   - functions: which of them are ready.
    ///   - upstreams: which of their endpoints are in.
    ///   - endpoints: those of the API (`/v1/...`).
    ///   - token: what operators show who come over TCP.
    init(
        loop: EventLoop,
        metrics: MetricsRegistry,
        log: Logger,
        functions: FunctionCensus,
        upstreams: UpstreamCensus,
        endpoints: [AdminEndpoint],
        token: String?
    ) {
        server = Server(context: LoopContext(loop: loop), limits: ConnectionLimits()) { error in
            log.warning("the admin listener cannot accept", metadata: ["error": "\(error)"])
        }
        let ready = self.ready
        state = ListenerState(
            ServerSettings(
                name: "admin",
                index: 0,
                limits: HeadLimits(),
                handler: AdminHandler(
                    [
                        .health,
                        .readiness { ready.value.load(ordering: .acquiring) && functions.isReady },
                        .metrics(metrics) {
                            functions.report(to: metrics)
                            upstreams.report(to: metrics)
                        },
                    ] + endpoints,
                    token: token
                ),
                recorder: Unrecorded()
            )
        )
    }

    func setReady(_ isReady: Bool) { ready.value.store(isReady, ordering: .releasing) }

    /// Accepts from these sockets from now on.
    func listen(_ sockets: [Int32]) throws(GatewayError) {
        let failure = Failure()
        server.context.loop.perform { [server = Handover(server), state = Handover(state)] in
            do throws(SystemError) {
                for socket in sockets { try server.value.listen(socket, state.value) }
            } catch {
                failure.error = error
            }
        }
        if let error = failure.error { throw GatewayError("admin: cannot watch the listener: \(error)") }
    }

    private final class Failure: @unchecked Sendable {  // the loop writes it before the control thread reads it
        var error: SystemError?
    }

    func close() {
        server.context.loop.perform { [server = Handover(server), state = Handover(state)] in
            server.value.close(state.value)
            server.value.kill()
        }
    }
}
