import PenstockBytes
import PenstockHTTP
import PenstockNetworking

/// The address of the client behind trusted proxies, found when it is first asked for.
struct ClientAddress: ~Copyable {
    private var found = ByteBuffer()

    mutating func reset() { found.removeAll() }

    /// The peer's address, or the rightmost address in `X-Forwarded-For` that no trusted proxy has.
    mutating func text(_ fields: FieldBlock, _ connection: ConnectionInfo) -> UnsafeRawBufferPointer {
        guard connection.isTrusted, fields.present.has(.xForwardedFor) else { return connection.peerText }
        if found.isEmpty { search(fields, connection) }
        return found.isEmpty ? connection.peerText : found.readable
    }

    private mutating func search(_ fields: FieldBlock, _ connection: ConnectionInfo) {
        for index in (0..<fields.count).reversed() where fields[index].id == .xForwardedFor {
            for part in fields.value(fields[index]).split(separator: ASCII.comma).reversed() {
                let text = Array(part.drop { $0 == ASCII.space || $0 == ASCII.tab }.prefix { $0 != ASCII.space })
                guard let address = SocketAddress(literal: text) else { return }
                found.removeAll()
                text.withUnsafeBytes { found.append($0) }
                if !connection.settings.trusts(address) { return }
            }
        }
    }
}
