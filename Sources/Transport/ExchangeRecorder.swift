/// Told of every exchange that has ended: the access log and the counters.
public protocol ExchangeRecorder: AnyObject {
    /// An exchange has begun.
    func began()

    /// `exchange` has ended; it is still whole.
    func ended(_ exchange: Exchange)
}

extension ExchangeRecorder {
    public func began() {}
}
