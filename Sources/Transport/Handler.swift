public import PenstockHTTP

/// Whatever answers requests: a function, an upstream, a redirect, a file.
///
/// One object a loop and route, so it may keep state without a lock. Every call comes on the exchange's loop. After
/// ``handle(_:)`` the handler owns the exchange until it has ended the response, or ``cancelled(_:_:)`` was called;
/// after either it does not touch the exchange again.
public protocol Handler: AnyObject {
    /// The head is complete; answer now or later.
    func handle(_ exchange: Exchange)

    /// Body bytes have come, valid during the call only; give their credit back with ``Exchange/consumed(_:)``.
    func received(_ bytes: RawSpan, of exchange: Exchange)

    /// The body is whole; not called where ``Exchange/body`` is ``ExchangeBody/none``.
    func receivedEnd(trailers: FieldBlock?, of exchange: Exchange)

    /// What ``Exchange/write(_:)`` and ``Exchange/inform(_:)`` held back has left: go on writing.
    func writable(_ exchange: Exchange)

    /// The client is gone, a deadline has passed, or the gateway must end; the last call.
    func cancelled(_ error: ExchangeError, _ exchange: Exchange)
}

/// For handlers that answer at once and take no body.
extension Handler {
    public func received(_ bytes: RawSpan, of exchange: Exchange) { exchange.consumed(bytes.byteCount) }

    public func receivedEnd(trailers: FieldBlock?, of exchange: Exchange) {}

    public func writable(_ exchange: Exchange) {}

    public func cancelled(_ error: ExchangeError, _ exchange: Exchange) {}
}

/// A step between the router and the handler of a route.
public protocol RequestStage: AnyObject {
    /// Looks at the request, changes it, or answers it.
    func apply(to exchange: Exchange) -> StageVerdict

    /// The client is gone, or a deadline has passed, while the stage was ``StageVerdict/pending``; the last call.
    func cancelled(_ exchange: Exchange)
}

/// For stages that decide at once.
extension RequestStage {
    public func cancelled(_ exchange: Exchange) {}
}

/// What a ``RequestStage`` decided.
public enum StageVerdict: Sendable {
    /// The next stage is to look.
    case pass

    /// The stage has answered, or will: nothing after it sees the exchange.
    case answered

    /// The stage decides later: then it answers, or lets the request pass with ``Exchange/proceed()``.
    ///
    /// Meanwhile ``Exchange/state`` is the stage's, and the client is held back.
    case pending
}

/// A step that every response head of a route passes on its way out.
public protocol ResponseStage: AnyObject {
    /// Edits ``Exchange/response``.
    func apply(to exchange: Exchange)
}

/// Sees the answers of a route's targets, and the failures of those that give none, before anything of them has left.
public protocol AnswerWatcher: AnyObject {
    /// Judges an answer whose head is in ``Exchange/response``, or a failure.
    ///
    /// - Parameters:
    ///   - exchange: what is answered.
    ///   - target: what answers it.
    ///   - failure: why there is no answer; `nil`: there is one.
    /// - Returns: what the client gets instead, if anything.
    func judge(_ exchange: Exchange, from target: RouteTarget, _ failure: ExchangeError?) -> AnswerVerdict
}

/// What an ``AnswerWatcher`` decided.
public enum AnswerVerdict {
    /// The answer leaves as it is.
    case pass

    /// Another target answers.
    case hand(RouteTarget)

    /// The status stays, with a page for it.
    case replace(ErrorPage)
}
