import PenstockHTTP
import PenstockNetworking

/// What a client that breaks the rules is told, and one that is slow.
extension HTTP1Server {
    /// A head that cannot be read, or does not come: answered, logged, and the connection closed.
    func refuseHead(_ error: ExchangeError) {
        let exchange = self.exchange ?? exchanges.take(for: context)
        self.exchange = exchange
        isInsideHead = false
        keepsAlive = false
        incoming = .closed
        exchange.begin(self, info, body: .none)
        exchange.fail(error)
    }

    /// The same of a body; where its exchange is over already, the connection ends with it.
    func refuseBody(_ error: ExchangeError, lingering: Bool) {
        guard let exchange else { return close(lingering: lingering) }
        keepsAlive = false
        incoming = .closed
        exchange.failAndCancel(error)
    }

    // MARK: Deadlines

    func startBodyClock() {
        discarded = 0
        rate.start(connection.now)
        connection.setReadDeadline(rate.deadline(timeouts))
    }

    func readExpired() {
        switch incoming {
        case .head: isInsideHead ? refuseHead(.slow("timeouts.head")) : close(lingering: false)
        case .body, .chunks: checkBodyRate()
        case .tunnel, .complete, .closed: break
        }
    }

    private func checkBodyRate() {
        // While its handler holds the client back, silence is not the client's.
        if unconsumed >= Self.credit { rate.start(connection.now) }
        guard let reason = rate.violation(connection.now, timeouts) else {
            return connection.setReadDeadline(rate.deadline(timeouts))
        }
        refuseBody(.slow(reason), lingering: false)
    }
}

extension ExchangeError {
    /// The client sent what must not be read.
    init(_ error: RequestError) {
        self.init(
            .client,
            status: error.status,
            message: StatusCode.reasonPhrase(error.status),
            reason: String(describing: error.reason),
            closesConnection: true
        )
    }

    fileprivate static func slow(_ reason: String) -> ExchangeError {
        ExchangeError(.client, status: 408, message: "Request Timeout", reason: reason, closesConnection: true)
    }

    static let endedInsideBody = ExchangeError(
        .client,
        status: 400,
        message: "Bad Request",
        reason: "the connection ended inside the body",
        closesConnection: true
    )
}
