public import PenstockHTTP

/// The protocol that an exchange came over: HTTP/1.1, HTTP/2, or a script in a test.
///
/// ``Exchange`` is its only caller.
public protocol ExchangeFront: AnyObject {
    /// Sends ``Exchange/response``; `end` where no body follows.
    func respond(_ exchange: Exchange, end: Bool)

    /// Sends ``Exchange/response`` and all of its body, unless the request or the status has none.
    func respond(_ exchange: Exchange, body: RawSpan)

    /// Sends ``Exchange/response``, a 101: from then on both bodies are bytes without any framing.
    func acceptTunnel(_ exchange: Exchange)

    /// Sends an interim response (1xx), and answers how many bytes of the exchange are held back now.
    func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int

    /// Sends body bytes, and answers how many bytes of the exchange are held back now.
    func write(_ bytes: RawSpan, _ exchange: Exchange) -> Int

    /// Ends the body.
    func end(trailers: FieldBlock?, _ exchange: Exchange)

    /// Gives credit back for body bytes that were received.
    func consumed(_ count: Int, _ exchange: Exchange)

    /// Tells a client that waits for 100 (Continue) to go on.
    func sendContinue(_ exchange: Exchange)

    /// Cuts the exchange after its head has left.
    func cut(_ exchange: Exchange)
}
