import PenstockBytes
import PenstockHTTP

/// The answers of the gateway's own: JSON `{"message", "requestId"}` (architecture.md, section 6).
enum GatewayAnswer {
    static func write(_ error: ExchangeError, for exchange: Exchange) {
        var body = ByteBuffer()
        body.append("{\"message\":\"")
        body.append(error.message)
        body.append("\",\"requestId\":\"")
        body.append(exchange.requestID)
        body.append("\"}\n")
        let response = exchange.response
        response.status = error.status
        response.fields.append(.contentType, "content-type", "application/json")
        if let seconds = error.retryAfter { response.fields.append(.retryAfter, "retry-after", decimal: seconds) }
        exchange.respond(body: body.readable.bytes)
    }
}
