public import PenstockHTTP
public import PenstockNetworking
internal import PenstockSystem

/// A copy of a request on its way to another target: an exchange whose client is nobody.
///
/// It has the original's head, address and id, and lives by itself. Nothing that it does reaches the client.
public final class RequestCopy {
    /// Copies of one loop that may be under way; more are not made.
    public static let limit = 1000

    /// Bytes of the body that may wait for the target.
    static let bodyLimit = 65_536

    /// Nanoseconds that a copy may take.
    static let defaultTimeout: Int64 = 60_000_000_000

    /// Nanoseconds that this one may take.
    @exclusivity(unchecked) var timeout = RequestCopy.defaultTimeout

    private let target: RouteTarget
    private let settings: ServerSettings
    private let timer = Timer()
    @exclusivity(unchecked) private var connection: ConnectionInfo?
    @exclusivity(unchecked) private var exchange: Exchange?
    @exclusivity(unchecked) private var unconsumed = 0

    /// Keeps it alive while it is under way.
    @exclusivity(unchecked) private var own: RequestCopy?

    /// A copy that has not begun.
    ///
    /// - Parameters:
    ///   - target: who gets it.
    ///   - settings: whose recorder hears of its end; a failure at the client's side is one of the copy itself.
    public init(for target: RouteTarget, _ settings: ServerSettings) {
        self.target = target
        self.settings = settings
        timer.target = self
    }

    /// Whether the loop may have one more.
    public static func hasRoom(in context: LoopContext) -> Bool { context.copies < limit }

    /// Sends the head; answers whether the body is wanted.
    func start(_ original: Exchange) -> Bool {
        guard let client = original.connection else { return false }
        let exchange = original.context.takeExchange()
        let connection = ConnectionInfo(copying: client)
        own = self
        self.exchange = exchange
        self.connection = connection
        original.context.copies += 1
        exchange.head.copy(original.head)
        exchange.begin(self, connection, settings, body: original.body)
        exchange.take(requestID: original.requestID)
        exchange.parameters = original.parameters
        exchange.loop.set(timer, at: exchange.now + timeout)
        exchange.hand(to: target)
        return self.exchange != nil
    }

    func receive(_ bytes: RawSpan) {
        guard let exchange else { return }
        unconsumed += bytes.byteCount
        guard unconsumed <= Self.bodyLimit else { return giveUp() }
        exchange.deliver(bytes)
    }

    func receiveEnd(_ trailers: FieldBlock?) { exchange?.deliverEnd(trailers: trailers) }

    /// What is left of the request does not come any more.
    func giveUp() {
        exchange?.cancel(Self.givenUp)
        finish()
    }

    private func finish() {
        guard let exchange else { return }
        self.exchange = nil
        exchange.context.copies -= 1
        exchange.loop.cancel(timer)
        exchange.finish()
        own = nil
    }

    private static let givenUp = ExchangeError(
        .client,
        status: 499,
        message: "Client Closed Request",
        reason: "the copy was given up"
    )

    private static let tooSlow = ExchangeError(
        .upstream,
        status: 504,
        message: "Gateway Timeout",
        reason: "the answer to the copy did not end"
    )
}

extension RequestCopy: ExchangeFront {
    public func respond(_ exchange: Exchange, end: Bool) { if end { finish() } }

    public func respond(_ exchange: Exchange, body: RawSpan) { finish() }

    public func acceptTunnel(_ exchange: Exchange) {}

    public func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int { 0 }

    public func write(_ bytes: RawSpan, _ exchange: Exchange) -> Int { 0 }

    public func end(trailers: FieldBlock?, _ exchange: Exchange) { finish() }

    public func consumed(_ count: Int, _ exchange: Exchange) { unconsumed = max(0, unconsumed - count) }

    public func sendContinue(_ exchange: Exchange) {}

    public func cut(_ exchange: Exchange) { finish() }
}

extension RequestCopy: TimerTarget {
    public func expired(_ timer: Timer) {
        exchange?.cancel(Self.tooSlow)
        finish()
    }
}
