/// The head of a request: method, target, fields, and what they say about the body.
///
/// A class that is recycled with its exchange. It owns a copy of its bytes, so views of it live as long as the exchange
/// does; a change of ``fields`` ends them.
public final class RequestHead {
    /// The form of a request target (RFC 9112 §3.2).
    public enum TargetForm: Sendable { case origin, absolute, authority, asterisk }

    /// The fields, in order.
    public let fields = FieldBlock()

    /// The method, as far as the gateway knows it; ``methodName`` has its bytes.
    @exclusivity(unchecked) public internal(set) var method = Method.get

    /// HTTP/1.x's x: 0 or 1; 1 for later versions.
    @exclusivity(unchecked) public internal(set) var minorVersion = 1

    /// How the body comes.
    @exclusivity(unchecked) public internal(set) var framing = MessageFraming.none

    /// Whether the connection may serve another request after this one (RFC 9112 §9.3).
    @exclusivity(unchecked) public internal(set) var keepsAlive = true

    /// Whether the client waits for 100 (Continue) before it sends the body.
    @exclusivity(unchecked) public internal(set) var expectsContinue = false

    /// The form of the request target.
    @exclusivity(unchecked) public internal(set) var targetForm = TargetForm.origin

    @exclusivity(unchecked) var methodRange = 0..<0
    @exclusivity(unchecked) var pathRange = 0..<0
    @exclusivity(unchecked) var routedPathRange: Range<Int>?
    @exclusivity(unchecked) var queryRange: Range<Int>?
    @exclusivity(unchecked) var authorityRange = 0..<0

    /// An empty head.
    public init() {}

    /// The method's bytes.
    public var methodName: UnsafeRawBufferPointer { fields.bytes(methodRange) }

    /// The path, normalised once (architecture.md, section 6): begins with `/`, or is `*`.
    public var path: UnsafeRawBufferPointer { fields.bytes(pathRange) }

    /// The query as it came, without `?`; `nil` where there is no `?`.
    public var query: UnsafeRawBufferPointer? { queryRange.map { fields.bytes($0) } }

    /// The host and optional port, as the client named them; empty for HTTP/1.0 without `Host`.
    public var authority: UnsafeRawBufferPointer { fields.bytes(authorityRange) }

    /// The path that the router saw, which a rewrite leaves as it was; path parameters are parts of it.
    public var routedPath: UnsafeRawBufferPointer { fields.bytes(routedPathRange ?? pathRange) }

    /// Puts another path in the place of ``path`` (a rewrite); the bytes are not of this head.
    public func replacePath(_ path: UnsafeRawBufferPointer) {
        routedPathRange = routedPathRange ?? pathRange
        pathRange = fields.stash(path)
    }

    /// Puts another query in the place of ``query``; the bytes are not of this head.
    public func replaceQuery(_ query: UnsafeRawBufferPointer?) { queryRange = query.map { fields.stash($0) } }

    /// Makes the head ready for the next request.
    public func reset() {
        fields.shrink()
        method = .get
        minorVersion = 1
        framing = .none
        keepsAlive = true
        expectsContinue = false
        targetForm = .origin
        methodRange = 0..<0
        pathRange = 0..<0
        routedPathRange = nil
        queryRange = nil
        authorityRange = 0..<0
    }
}
