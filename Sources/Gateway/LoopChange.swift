import Logging
import PenstockNetworking
import PenstockReverseProxy
import PenstockSystem
import PenstockTransport

/// What a reload changes on one loop, applied between two rounds: no request sees half of it.
struct LoopChange {
    let server: Server
    let settings: [(state: ListenerState?, settings: ServerSettings)]
    let opened: [(state: ListenerState?, sockets: [Int32])]
    let closed: [ListenerState]
    let retired: [Upstream]

    /// What the loop's buffers may take together, in bytes.
    let bufferLimit: Int
    let log: Logger

    func apply() {
        for entry in settings { entry.state?.settings = entry.settings }
        for entry in opened {
            guard let state = entry.state else { continue }
            for socket in entry.sockets { listen(socket, state) }
        }
        for state in closed { server.close(state) }
        for upstream in retired { upstream.close() }
        server.context.bufferLimit = bufferLimit
    }

    private func listen(_ socket: Int32, _ state: ListenerState) {
        do throws(SystemError) {
            try server.listen(socket, state)
        } catch {
            log.error("cannot watch a listener", metadata: ["listener": "\(state.settings.name)", "error": "\(error)"])
        }
    }
}
