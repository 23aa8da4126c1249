internal import PenstockBytes
internal import PenstockHTTP
public import PenstockTransport

/// Sends clients from one form of a path to the other, with or without a final slash (`trailing_slash: redirect`).
public final class TrailingSlashStage: RequestStage {
    private let hasSlash: Bool
    private var location = ByteBuffer()

    /// A stage that lets paths pass which end in a slash, or those which do not.
    public init(hasSlash: Bool) { self.hasSlash = hasSlash }

    public func apply(to exchange: Exchange) -> StageVerdict {
        let path = exchange.head.path
        guard (path.last == ASCII.slash) != hasSlash else { return .pass }
        location.removeAll()
        // A path that begins with `//` would be read as another host (RFC 3986 §4.2).
        if path.count > 1, path[1] == ASCII.slash { location.append("/.") }
        if hasSlash {
            location.append(path)
            location.append(ASCII.slash)
        } else {
            location.append(UnsafeRawBufferPointer(rebasing: path.dropLast()))
        }
        if let query = exchange.head.query {
            location.append(ASCII.question)
            location.append(query)
        }
        exchange.response.status = 308
        exchange.response.contentLength = 0
        exchange.response.fields.append(.location, "location", location.readable)
        exchange.respond(end: true)
        return .answered
    }
}
