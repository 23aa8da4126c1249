internal import PenstockBytes
internal import PenstockHTTP

/// A cookie that brings a client back to where its first request went: it names the place by a hash, so that it tells
/// nothing of it.
public struct StickyCookie {
    private let name: String
    private let attributes: [UInt8]

    /// A cookie with this name.
    ///
    /// - Parameters:
    ///   - name: a token.
    ///   - seconds: how long it lives; `nil`: as long as the browser's session.
    public init(_ name: String, seconds: Int?) {
        self.name = name
        let age = seconds.map { "; Max-Age=\($0)" } ?? ""
        attributes = Array("; Path=/; HttpOnly; SameSite=Lax\(age)".utf8)
    }

    /// What the cookie says of a place: 16 hexadecimal digits.
    public static func value(of place: String) -> [UInt8] {
        let digits = String(StableHash.of(place.utf8), radix: 16)
        return Array((String(repeating: "0", count: 16 - digits.count) + digits).utf8)
    }

    /// What the request's cookie says.
    public func value(in exchange: Exchange) -> UnsafeRawBufferPointer? { exchange.head.fields.cookie(named: name) }

    /// Tells the client to come back to a place, unless it has said so itself.
    ///
    /// - Parameters:
    ///   - value: what ``value(of:)`` says of the place.
    ///   - exchange: whose response it goes with.
    public func write(_ value: [UInt8], to exchange: Exchange) {
        if let own = self.value(in: exchange), own.elementsEqual(value) { return }
        var text = ByteBuffer()
        var name = name
        name.withUTF8 { text.append(UnsafeRawBufferPointer($0)) }
        text.append(ASCII.equals)
        value.withUnsafeBytes { text.append($0) }
        attributes.withUnsafeBytes { text.append($0) }
        exchange.response.fields.append(.setCookie, "set-cookie", text.readable)
    }
}
