import PenstockHTTP
public import PenstockTransport

/// Says of an upstream's response that it came through the gateway (RFC 9110 section 7.6.3).
public final class ViaStage: ResponseStage {
    /// The stage; it keeps nothing.
    public init() {}

    public func apply(to exchange: Exchange) {
        // What the gateway answers itself came through nobody.
        guard exchange.failure == nil else { return }
        let response = exchange.response
        response.fields.append(.via, "via", response.minorVersion == 0 ? "1.0 penstock" : "1.1 penstock")
    }
}
