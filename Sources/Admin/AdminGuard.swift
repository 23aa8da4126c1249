import PenstockBytes
import PenstockHTTP
import PenstockNetworking
import PenstockTransport

/// Who is let in by the admin listener (trust.md, Admin).
///
/// On TCP it answers only to its own address and never to a page of the web: a Host that is a name but `localhost`, an
/// Origin, or a cross-site Sec-Fetch-Site is refused. A unix socket is its owner's alone, who may do everything.
struct AdminGuard {
    private let token: [UInt8]?

    init(token: String?) { self.token = token.map { Array($0.utf8) } }

    /// What becomes of a request to an endpoint.
    enum Verdict { case admitted, stranger, withoutToken }

    /// Whether no page of the web has sent the request.
    func admits(_ exchange: Exchange) -> Bool {
        guard exchange.connection?.peer.family != .unix else { return true }
        let fields = exchange.head.fields
        if fields.first(.origin) != nil { return false }
        if let site = fields.first(.secFetchSite), !site.elementsEqual("same-origin".utf8),
            !site.elementsEqual("none".utf8)
        {
            return false
        }
        return AdminHost.isOwn(exchange.head.authority)
    }

    /// Whether the client may ask an endpoint.
    func judge(_ exchange: Exchange, _ access: AdminEndpoint.Access) -> Verdict {
        let peer = exchange.connection?.peer
        switch access {
        case .everyone: return .admitted
        case .thisMachine: return peer?.isLoopback ?? true ? .admitted : .stranger
        case .operators:
            return peer?.family == .unix || showsToken(exchange.head.fields) ? .admitted : .withoutToken
        }
    }

    /// Whether the one Authorization field is `Bearer` and the token (RFC 6750 section 2.1).
    private func showsToken(_ fields: FieldBlock) -> Bool {
        guard let token, let value = fields.first(.authorization), value.count > 7 else { return false }
        guard FieldBlock.matches(UnsafeRawBufferPointer(rebasing: value[..<7]), "bearer ") else { return false }
        return Self.isSame(UnsafeRawBufferPointer(rebasing: value[7...]), token)
    }

    /// Compares in a time that says nothing of where the first difference is.
    private static func isSame(_ given: UnsafeRawBufferPointer, _ token: [UInt8]) -> Bool {
        guard given.count == token.count else { return false }
        var difference: UInt8 = 0
        for index in token.indices { difference |= given[index] ^ token[index] }
        return difference == 0
    }
}
