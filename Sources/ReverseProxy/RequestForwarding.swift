import PenstockBytes
import PenstockHTTP
import PenstockTransport

/// The head of a request as the upstream gets it (trust.md, Fields).
///
/// Fields for one hop and fields that only a trusted proxy may set are taken out, ours are added last; everything
/// between is copied in runs.
enum RequestForwarding {
    private static let always = FieldNameSet.neverForwarded.union(FieldNameSet(.host, .contentLength))
    private static let untrusted = always.union(.forwarding)

    /// - Parameters:
    ///   - exchange: whose head.
    ///   - forwarding: what is said of the client and the way.
    ///   - authority: the endpoint's, asked for where the Host field is to say it.
    ///   - body: how the body goes out, which may differ from how it came.
    ///   - isUpgrade: whether the client asks for a WebSocket, and may have one.
    ///   - output: gets the head.
    static func write(
        _ exchange: Exchange,
        _ forwarding: Forwarding,
        authority: @autoclosure () -> String,
        body: ExchangeBody,
        isUpgrade: Bool,
        to output: inout ByteBuffer
    ) {
        guard let connection = exchange.connection else { return }
        let head = exchange.head
        let isTrusted = connection.isTrusted
        writeRequestLine(head, to: &output)
        writeHost(head, forwarding.host, authority, to: &output)
        head.fields.write(to: &output, excluding: isTrusted ? always : untrusted)
        if forwarding.xForwarded { writeXForwarded(exchange, connection, to: &output) }
        if forwarding.forwarded { ForwardedField.write(exchange, connection, to: &output) }
        if forwarding.via { output.append(head.minorVersion == 0 ? "via: 1.0 penstock\r\n" : "via: 1.1 penstock\r\n") }
        output.append("x-request-id: ")
        output.append(exchange.requestID)
        output.append("\r\n")
        writeFraming(exchange, body, to: &output)
        if isUpgrade { output.append("connection: upgrade\r\nupgrade: websocket\r\n") }
        output.append("\r\n")
    }

    private static func writeRequestLine(_ head: RequestHead, to output: inout ByteBuffer) {
        output.append(head.methodName)
        output.append(ASCII.space)
        output.append(head.path)
        if let query = head.query {
            output.append(ASCII.question)
            output.append(query)
        }
        output.append(" HTTP/1.1\r\n")
    }

    private static func writeHost(
        _ head: RequestHead,
        _ host: Forwarding.Host,
        _ authority: () -> String,
        to output: inout ByteBuffer
    ) {
        output.append("host: ")
        switch host {
        case .endpoint where !head.isHostSet: output.append(authority())
        case .text(let text) where !head.isHostSet: output.append(text.span.bytes)
        case .keep, .endpoint, .text: output.append(head.targetHost)
        }
        output.append("\r\n")
    }

    private static func writeXForwarded(
        _ exchange: Exchange,
        _ connection: ConnectionInfo,
        to output: inout ByteBuffer
    ) {
        let isTrusted = connection.isTrusted
        let fields = exchange.head.fields
        output.append("x-forwarded-for: ")
        if isTrusted, fields.present.has(.xForwardedFor) {
            for index in 0..<fields.count where fields[index].id == .xForwardedFor {
                output.append(fields.value(fields[index]))
                output.append(", ")
            }
        }
        output.append(connection.peerText)
        if !isTrusted || !fields.present.has(.xForwardedProto) {
            output.append("\r\nx-forwarded-proto: ")
            output.append(connection.scheme)
        }
        if !isTrusted || !fields.present.has(.xForwardedHost) {
            output.append("\r\nx-forwarded-host: ")
            output.append(exchange.head.authority)
        }
        output.append("\r\n")
    }

    private static func writeFraming(_ exchange: Exchange, _ body: ExchangeBody, to output: inout ByteBuffer) {
        switch body {
        case .none:
            // Some servers answer 411 to a POST that does not say that it has no body.
            if exchange.head.fields.present.has(.contentLength) { output.append("content-length: 0\r\n") }
        case .stream: output.append("transfer-encoding: chunked\r\n")
        case .length(let length):
            output.append("content-length: ")
            output.append(decimal: length)
            output.append("\r\n")
        }
    }
}
