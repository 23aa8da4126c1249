import PenstockBytes
import PenstockHTTP

/// The answers of the gateway's own: a page, or else JSON `{"message", "requestId"}` (architecture.md, section 6).
enum GatewayAnswer {
    static func write(_ error: ExchangeError, for exchange: Exchange) {
        let response = exchange.response
        response.status = error.status
        if let seconds = error.retryAfter { response.fields.append(.retryAfter, "retry-after", decimal: seconds) }
        if let page = exchange.errorPages?.page(for: error.status) { return page.send(error.message, to: exchange) }
        var body = ByteBuffer()
        body.append("{\"message\":\"")
        body.append(error.message)
        body.append("\",\"requestId\":\"")
        body.append(exchange.requestID)
        body.append("\"}\n")
        response.fields.append(.contentType, "content-type", "application/json")
        exchange.send(body.readable.bytes)
    }
}
