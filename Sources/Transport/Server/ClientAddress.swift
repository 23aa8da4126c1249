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
                let text = Array(Self.withoutPort(FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: part))))
                guard let address = SocketAddress(literal: text) else { return }
                found.removeAll()
                text.withUnsafeBytes { found.append($0) }
                if !connection.settings.trusts(address) { return }
            }
        }
    }

    /// Some proxies add the port, and brackets to IPv6 (RFC 7239 §6 has both): `192.0.2.7:4711`, `[2001:db8::1]:4711`.
    private static func withoutPort(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        if text.first == 0x5B, let end = text.firstIndex(of: 0x5D) {
            return UnsafeRawBufferPointer(rebasing: text[1..<end])
        }
        guard let colon = text.firstIndex(of: ASCII.colon), colon == text.lastIndex(of: ASCII.colon) else {
            return text
        }
        return UnsafeRawBufferPointer(rebasing: text[..<colon])
    }
}
