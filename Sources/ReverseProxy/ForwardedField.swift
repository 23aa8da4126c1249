import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockTransport

/// Writes the `Forwarded` field of a request (RFC 7239).
///
/// One that a trusted proxy sent stands before it, as a line of its own; where it sent `X-Forwarded-For` alone, that is
/// taken in (section 7.4).
enum ForwardedField {
    static func write(_ exchange: Exchange, _ connection: ConnectionInfo, to output: inout ByteBuffer) {
        let head = exchange.head
        output.append("forwarded: ")
        if connection.isTrusted, !head.fields.present.has(.forwarded) { writeFormer(head.fields, to: &output) }
        output.append("for=")
        if connection.peer.family == .unix {
            output.append("unknown")
        } else {
            writeNode(connection.peerText, to: &output)
        }
        if !head.authority.isEmpty {
            output.append(";host=")
            writeQuoted(head.authority, to: &output)
        }
        output.append(";proto=")
        output.append(connection.scheme)
        output.append("\r\n")
    }

    /// The hops before the peer; what is known of the client's own request belongs to the first.
    private static func writeFormer(_ fields: FieldBlock, to output: inout ByteBuffer) {
        var isFirst = true
        for index in 0..<fields.count where fields[index].id == .xForwardedFor {
            for part in fields.value(fields[index]).split(separator: ASCII.comma) {
                let node = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: part))
                guard !node.isEmpty else { continue }
                output.append("for=")
                writeNode(node, to: &output)
                if isFirst { writeOrigin(fields, to: &output) }
                isFirst = false
                output.append(", ")
            }
        }
    }

    private static func writeOrigin(_ fields: FieldBlock, to output: inout ByteBuffer) {
        if let host = fields.first(.xForwardedHost) {
            output.append(";host=")
            writeQuoted(host, to: &output)
        }
        if let scheme = fields.first(.xForwardedProto) {
            output.append(";proto=")
            writeQuoted(scheme, to: &output)
        }
    }

    /// An address, with a port or without: IPv6 stands in brackets, and what has a colon in quotes (section 6).
    private static func writeNode(_ node: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        let isBare = node.first != 0x5B && node.lazy.filter { $0 == ASCII.colon }.count > 1
        guard isBare else { return writeQuoted(node, to: &output) }
        output.append("\"[")
        output.append(node)
        output.append("]\"")
    }

    /// A token as it is, anything else as a quoted string (RFC 9110 section 5.6.4).
    private static func writeQuoted(_ text: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        guard !FieldRules.isValidName(text) else { return output.append(text) }
        output.append(ASCII.quote)
        for byte in text {
            if byte == ASCII.quote || byte == ASCII.backslash { output.append(ASCII.backslash) }
            output.append(byte)
        }
        output.append(ASCII.quote)
    }
}
