import Glibc
import PenstockNetworking
import PenstockSystem

/// One loop's share of a listening socket: every loop watches the same socket, and one of them is woken, in turn.
final class Listener: EventSource, TimerTarget {
    private let socket: Int32
    private let state: ListenerState
    private unowned let server: Server
    private let timer = Timer()
    private var isWatching = false

    /// A wake-up takes so many connections at most, so that the other loops get their share.
    private static let batch = 16

    init(socket: Int32, state: ListenerState, server: Server) {
        self.socket = socket
        self.state = state
        self.server = server
        timer.target = self
    }

    func open() throws(SystemError) {
        try server.context.loop.register(socket, self, [.readable, .exclusive])
        isWatching = true
    }

    func ready(_ events: Readiness) {
        for _ in 0..<Self.batch where !acceptOne() { break }
        if isWatching, !server.neighbours.isEmpty { standLast() }
    }

    /// Leaves the next ones to the other loops: of those that sleep the kernel always wakes the one that has watched
    /// longest.
    private func standLast() {
        stopWatching()
        watch()
    }

    /// Stops accepting, after everybody who is in the queue: closing it would reset them.
    func close() {
        while acceptOne() {}
        server.context.loop.cancel(timer)
        if isWatching { stopWatching() }
    }

    private func stopWatching() {
        server.context.loop.deregister(socket)
        isWatching = false
    }

    private func acceptOne() -> Bool {
        do throws(SystemError) {
            guard let accepted = try Socket.accept(socket) else { return false }
            if accepted.peer.family != .unix { Socket.setNoDelay(accepted.descriptor) }
            server.accepted(
                FileDescriptor(owning: accepted.descriptor),
                ConnectionInfo(peer: accepted.peer, listener: state)
            )
            return true
        } catch {
            if server.failedToAccept(error) { return true }
            pause()
            return false
        }
    }

    /// Waits a little, since the socket stays readable.
    private func pause() {
        guard isWatching else { return }
        stopWatching()
        server.context.loop.set(timer, at: server.context.loop.now + 100_000_000)
    }

    func expired(_ timer: Timer) { watch() }

    private func watch() {
        do throws(SystemError) {
            try open()
        } catch {
            server.context.loop.set(timer, at: server.context.loop.now + 100_000_000)
        }
    }
}
