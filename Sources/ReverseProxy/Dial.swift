import PenstockHTTP
import PenstockNetworking
import PenstockSystem
import PenstockTransport

/// A connection to whichever of an endpoint's addresses answers first (RFC 8305 §5).
///
/// The next address is tried when the one before has failed, or has not answered for a quarter of a second.
final class Dial: TimerTarget {
    private static let headStart: Int64 = 250_000_000

    private let endpoint: Endpoint
    private let loop: EventLoop
    private var done: ((Result<ClientConnection, ClientFailure>) -> Void)?
    private var attempts: [Attempt] = []
    private var untried: [ConnectionPool]
    private let timer = Timer()

    /// One address that is being tried.
    private final class Attempt: ClientStreamObserver {
        unowned let dial: Dial
        let pool: ConnectionPool
        var connection: ClientConnection?

        init(_ dial: Dial, _ pool: ConnectionPool) {
            self.dial = dial
            self.pool = pool
            connection = pool.connect(for: self)
        }

        func connected() { dial.won(self) }
        func failed(_ failure: ClientFailure) { dial.lost(self, failure) }
        func informed(_ head: ResponseHead) {}
        func received(_ head: ResponseHead) {}
        func received(_ bytes: RawSpan) {}
        func receivedEnd(trailers: FieldBlock?) {}
        func writable() {}
    }

    /// Begins with the address that worked last.
    ///
    /// - Parameters:
    ///   - endpoint: whose addresses.
    ///   - loop: the endpoint's.
    ///   - done: told once, later, unless ``cancel()`` was called.
    init(_ endpoint: Endpoint, on loop: EventLoop, done: @escaping (Result<ClientConnection, ClientFailure>) -> Void) {
        self.endpoint = endpoint
        self.loop = loop
        self.done = done
        untried = endpoint.pools.filter { $0 !== endpoint.pool }
        timer.target = self
        attempts.append(Attempt(self, endpoint.pool))
        if !untried.isEmpty { loop.set(timer, at: loop.now + Self.headStart) }
    }

    /// Gives up; nobody is told.
    func cancel() {
        done = nil
        end(but: nil)
    }

    func expired(_ timer: Timer) { tryNext() }

    private func tryNext() {
        guard !untried.isEmpty else { return }
        attempts.append(Attempt(self, untried.removeFirst()))
        if !untried.isEmpty { loop.set(timer, at: loop.now + Self.headStart) }
    }

    private func won(_ attempt: Attempt) {
        guard let connection = attempt.connection, let done = done.take() else { return }
        end(but: attempt)
        endpoint.prefer(attempt.pool)
        done(.success(connection))
    }

    private func lost(_ attempt: Attempt, _ failure: ClientFailure) {
        attempts.removeAll { $0 === attempt }
        if !untried.isEmpty { return tryNext() }
        guard attempts.isEmpty, let done = done.take() else { return }
        end(but: nil)
        done(.failure(failure))
    }

    private func end(but winner: Attempt?) {
        if timer.isSet { loop.cancel(timer) }
        for attempt in attempts where attempt !== winner { attempt.connection?.cancel() }
        attempts.removeAll()
    }
}
