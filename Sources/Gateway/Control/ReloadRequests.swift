import PenstockAdmin
import PenstockHTTP
import Synchronization

/// Wishes for a reload that came over the admin API, for the control thread: it alone changes the configuration.
final class ReloadRequests: Sendable {
    private struct State {
        /// Tells the control thread that there is one; `nil` while nobody would take it.
        var wake: (@Sendable () -> Void)?
        var waiting: [AdminReply] = []
    }

    private let state = Mutex(State())

    /// `POST /v1/reload`.
    var endpoint: AdminEndpoint {
        AdminEndpoint(.post, "/v1/reload", .operators) { request in self.add(request.reply) ? .later : Self.ending }
    }

    private static let ending = AdminAnswer.failure("the gateway starts or ends, and reloads nothing", status: 503)

    private func add(_ reply: AdminReply) -> Bool {
        let wake = state.withLock { state in
            if state.wake != nil { state.waiting.append(reply) }
            return state.wake
        }
        wake?()
        return wake != nil
    }

    /// Takes requests from now on.
    func open(wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

    /// Everybody who waits: one reload is for all of them, since it begins after the last has asked.
    func take() -> [AdminReply] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Takes no more requests, and says so to who waits.
    func close() {
        state.withLock { $0.wake = nil }
        for reply in take() { reply.send(Self.ending) }
    }
}
