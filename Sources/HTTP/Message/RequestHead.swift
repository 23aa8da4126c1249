/// The head of a request: method, target, fields, and what they say about the body.
///
/// A class that is recycled with its exchange. It owns a copy of its bytes, so views of it live as long as the exchange
/// does; a change of ``fields`` ends them.
public final class RequestHead {
    /// The form of a request target (RFC 9112 §3.2).
    public enum TargetForm: Sendable { case origin, absolute, authority, asterisk }

    /// The fields, in order.
    public let fields = FieldBlock()

    /// What the parser found.
    struct Facts {
        var method = Method.get
        var minorVersion = 1
        var framing = MessageFraming.none
        var keepsAlive = true
        var expectsContinue = false
        var targetForm = TargetForm.origin
        var methodRange = 0..<0
        var pathRange = 0..<0
        var routedPathRange: Range<Int>?
        var queryRange: Range<Int>?
        var authorityRange = 0..<0
        var hostIsSet = false
    }

    // Behind computed properties, because code of other targets checks each access to a stored one.
    @exclusivity(unchecked) var facts = Facts()

    /// The method, as far as the gateway knows it; ``methodName`` has its bytes.
    public var method: Method { facts.method }

    /// HTTP/1.x's x: 0 or 1; 1 for later versions.
    public var minorVersion: Int { facts.minorVersion }

    /// How the body comes.
    public var framing: MessageFraming { facts.framing }

    /// Whether the connection may serve another request after this one (RFC 9112 §9.3).
    public var keepsAlive: Bool { facts.keepsAlive }

    /// Whether the client waits for 100 (Continue) before it sends the body.
    public var expectsContinue: Bool { facts.expectsContinue }

    /// The form of the request target.
    public var targetForm: TargetForm { facts.targetForm }

    /// An empty head.
    public init() {}

    /// The method's bytes.
    public var methodName: UnsafeRawBufferPointer { fields.bytes(facts.methodRange) }

    /// The path, normalised once (architecture.md, section 6): begins with `/`, or is `*`.
    public var path: UnsafeRawBufferPointer { fields.bytes(facts.pathRange) }

    /// The query as it came, without `?`; `nil` where there is no `?`.
    public var query: UnsafeRawBufferPointer? { facts.queryRange.map { fields.bytes($0) } }

    /// The host and optional port, as the client named them; empty for HTTP/1.0 without `Host`.
    public var authority: UnsafeRawBufferPointer { fields.bytes(facts.authorityRange) }

    /// The host that the target is told: ``authority``, or the `Host` field where a filter has set that.
    public var targetHost: UnsafeRawBufferPointer { facts.hostIsSet ? fields.first(.host) ?? authority : authority }

    /// Whether a filter has said what the target is told of the host.
    public var isHostSet: Bool { facts.hostIsSet }

    /// The `Host` field says from now on what the target is told; ``authority`` stays what the client asked for.
    public func useHostField() { facts.hostIsSet = true }

    /// The path that the router saw, which a rewrite leaves as it was; path parameters are parts of it.
    public var routedPath: UnsafeRawBufferPointer { fields.bytes(facts.routedPathRange ?? facts.pathRange) }

    /// Puts another path in the place of ``path`` (a rewrite); the bytes are not of this head.
    public func replacePath(_ path: UnsafeRawBufferPointer) {
        facts.routedPathRange = facts.routedPathRange ?? facts.pathRange
        facts.pathRange = fields.stash(path)
    }

    /// Puts another query in the place of ``query``; the bytes are not of this head.
    public func replaceQuery(_ query: UnsafeRawBufferPointer?) { facts.queryRange = query.map { fields.stash($0) } }

    /// Becomes the same as another head.
    public func copy(_ other: RequestHead) {
        fields.copy(other.fields)
        facts = other.facts
    }

    /// Makes the head ready for the next request.
    public func reset() {
        fields.shrink()
        facts = Facts()
    }
}
