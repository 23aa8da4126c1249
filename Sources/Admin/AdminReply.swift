import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockTransport

/// Where the answer to an admin request goes, from whatever thread has it.
public struct AdminReply: @unchecked Sendable {  // the context is used on its own loop only
    private let context: LoopContext
    private let id: ExchangeID

    init(_ exchange: Exchange) {
        context = exchange.context
        id = exchange.id
    }

    /// Answers, unless the client has gone; once.
    public func send(_ answer: AdminAnswer) {
        context.loop.submit { self.context.exchanges[self.id].map(answer.write) }
    }
}

extension AdminAnswer {
    /// Ends an exchange with this answer, on its loop.
    func write(to exchange: Exchange) {
        switch self {
        case .text(let text, let status): Self.respond(exchange, status, "text/plain; charset=utf-8", Array(text.utf8))
        case .content(let body, let type): Self.respond(exchange, 200, type, body)
        case .json(let value, let status): Self.respond(exchange, status, value)
        case .failure(let message, let status, let more):
            let own: [JSONObject.Member] = [
                .init(key: "message", value: .string(message)),
                .init(key: "requestId", value: .string(String(decoding: exchange.requestID, as: UTF8.self))),
            ]
            Self.respond(exchange, status, .object(JSONObject(own + more)))
        case .later: break
        }
    }

    private static func respond(_ exchange: Exchange, _ status: Int, _ value: JSONValue) {
        respond(exchange, status, "application/json", Array((value.jsonText + "\n").utf8))
    }

    private static func respond(_ exchange: Exchange, _ status: Int, _ type: StaticString, _ body: [UInt8]) {
        exchange.response.status = status
        exchange.response.fields.append(.contentType, "content-type", type)
        exchange.response.fields.append(.cacheControl, "cache-control", "no-store")
        if status == 401 { exchange.response.fields.append(.other, "www-authenticate", "Bearer") }
        exchange.respond(body: body.span.bytes)
    }
}
