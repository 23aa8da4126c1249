internal import PenstockHTTP
public import PenstockTransport

/// Edits the fields of requests (`headers: { request: ... }`).
public final class RequestFieldsStage: RequestStage {
    private let edits: FieldEdits

    /// A stage that does `edits`.
    public init(_ edits: FieldEdits) { self.edits = edits }

    public func apply(to exchange: Exchange) -> StageVerdict {
        if edits.apply(to: exchange.head.fields, exchange.head, exchange.parameters) {
            if edits.setsHost { exchange.head.useHostField() }
            return .pass
        }
        exchange.fail(
            ExchangeError(.client, status: 400, message: "Bad Request", reason: "a value that no field can hold")
        )
        return .answered
    }
}
