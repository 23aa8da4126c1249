internal import PenstockBytes

/// The head of a response: status, fields, and how the body comes.
///
/// A class that is recycled with its exchange or its upstream connection.
public final class ResponseHead {
    /// The fields, in order.
    public let fields = FieldBlock()

    private struct Facts {
        var status = 200
        var contentLength: Int?
        var omitsServer = false
        var framing = MessageFraming.none
        var keepsAlive = true
        var keepAliveSeconds: Int?
        var minorVersion = 1
    }

    // Behind computed properties, because code of other targets checks each access to a stored one.
    @exclusivity(unchecked) private var facts = Facts()

    /// 100...599.
    public var status: Int {
        get { facts.status }
        set { facts.status = newValue }
    }

    /// The length of the body where it is known before the body; `nil`: it ends when it ends.
    public var contentLength: Int? {
        get { facts.contentLength }
        set { facts.contentLength = newValue }
    }

    /// Whether the response goes without the `Server` field that the gateway would add.
    public var omitsServer: Bool {
        get { facts.omitsServer }
        set { facts.omitsServer = newValue }
    }

    /// How the body comes, as a parser found it; a response that is made here leaves it alone.
    public internal(set) var framing: MessageFraming {
        get { facts.framing }
        set { facts.framing = newValue }
    }

    /// Whether the upstream's connection may be used again (RFC 9112 §9.3).
    public internal(set) var keepsAlive: Bool {
        get { facts.keepsAlive }
        set { facts.keepsAlive = newValue }
    }

    /// How long the upstream keeps its connection without a request, in seconds, where it has said so.
    public internal(set) var keepAliveSeconds: Int? {
        get { facts.keepAliveSeconds }
        set { facts.keepAliveSeconds = newValue }
    }

    /// HTTP/1.x's x, as a parser found it.
    public internal(set) var minorVersion: Int {
        get { facts.minorVersion }
        set { facts.minorVersion = newValue }
    }

    /// Whether the body is a stream of events, which has no end that somebody could wait for.
    public var isEventStream: Bool {
        guard let type = fields.first(.contentType) else { return false }
        let end = type.firstIndex { $0 == ASCII.semicolon || $0 == ASCII.space || $0 == ASCII.tab } ?? type.endIndex
        return FieldBlock.matches(UnsafeRawBufferPointer(rebasing: type[..<end]), "text/event-stream")
    }

    /// An empty head with status 200.
    public init() {}

    /// Makes the head ready for the next response.
    public func reset() {
        fields.shrink()
        facts = Facts()
    }
}
