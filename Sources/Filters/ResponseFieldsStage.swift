internal import PenstockHTTP
public import PenstockTransport

/// Edits the fields of responses (`headers: { response: ... }`).
public final class ResponseFieldsStage: ResponseStage {
    private let edits: FieldEdits

    /// A stage that does `edits`.
    public init(_ edits: FieldEdits) { self.edits = edits }

    public func apply(to exchange: Exchange) {
        // A value that the client made unusable is left out: the response is made already, and is no fault of it.
        _ = edits.apply(to: exchange.response.fields, exchange.head, exchange.parameters)
        if edits.removesServer { exchange.response.omitsServer = true }
    }
}
