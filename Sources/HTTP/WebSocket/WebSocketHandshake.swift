internal import PenstockBytes

/// The opening handshake of a WebSocket over HTTP/1.1 (RFC 6455 §4), as who stands between the two ends sees it.
public enum WebSocketHandshake {
    /// Whether a request asks for one.
    public static func isAsked(by head: RequestHead) -> Bool {
        let fields = head.fields
        return head.method == .get && head.minorVersion >= 1 && head.framing == .none
            && fields.contains(.connection, element: "upgrade") && fields.contains(.upgrade, element: "websocket")
            && key(of: fields) != nil
    }

    /// Whether a response with status 101 answers that request, and no other (RFC 6455 §4.1).
    public static func isAccepted(_ response: ResponseHead, of request: RequestHead) -> Bool {
        guard let key = key(of: request.fields), response.fields.contains(.upgrade, element: "websocket"),
            let accept = first("sec-websocket-accept", of: response.fields)
        else { return false }
        return accept.elementsEqual(answer(to: Array(key)))
    }

    /// What the key of a request is answered with.
    static func answer(to key: [UInt8]) -> [UInt8] {
        var text = ByteBuffer()
        let digest = SHA1.digest(key + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        digest.withUnsafeBytes { Base64.encode($0, to: &text) }
        return Array(text.readable)
    }

    private static func key(of fields: FieldBlock) -> UnsafeRawBufferPointer? {
        first("sec-websocket-key", of: fields).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func first(_ name: StaticString, of fields: FieldBlock) -> UnsafeRawBufferPointer? {
        fields.first(named: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
}
