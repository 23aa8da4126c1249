import PenstockBytes
import PenstockHTTP
import PenstockTransport

/// The cookie that keeps a client with an endpoint: it names the endpoint by a hash, so that it tells no address.
struct StickyCookie {
    private let settings: StickySettings
    private let attributes: [UInt8]

    init(_ settings: StickySettings) {
        self.settings = settings
        let age = settings.seconds.map { "; Max-Age=\($0)" } ?? ""
        attributes = Array("; Path=/; HttpOnly; SameSite=Lax\(age)".utf8)
    }

    /// What the cookie says of an endpoint: 16 hexadecimal digits.
    static func value(of endpoint: EndpointDescription) -> [UInt8] {
        let digits = String(HashRing.hash(endpoint.name.utf8), radix: 16)
        return Array((String(repeating: "0", count: 16 - digits.count) + digits).utf8)
    }

    /// The endpoint that a request asks for.
    func endpoint(for exchange: Exchange, among endpoints: [Endpoint]) -> Endpoint? {
        guard let value = exchange.head.fields.cookie(named: settings.cookie) else { return nil }
        return endpoints.first { value.elementsEqual($0.stickyValue) }
    }

    /// Tells the client to come back to an endpoint, unless it has said so itself.
    func write(_ endpoint: Endpoint, to exchange: Exchange) {
        if let value = exchange.head.fields.cookie(named: settings.cookie), value.elementsEqual(endpoint.stickyValue) {
            return
        }
        var text = ByteBuffer()
        var name = settings.cookie
        name.withUTF8 { text.append(UnsafeRawBufferPointer($0)) }
        text.append(ASCII.equals)
        endpoint.stickyValue.withUnsafeBytes { text.append($0) }
        attributes.withUnsafeBytes { text.append($0) }
        exchange.response.fields.append(.setCookie, "set-cookie", text.readable)
    }
}
