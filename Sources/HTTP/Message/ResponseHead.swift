/// The head of a response: status, fields, and how the body comes.
///
/// A class that is recycled with its exchange or its upstream connection.
public final class ResponseHead {
    /// The fields, in order.
    public let fields = FieldBlock()

    /// 100...599.
    @exclusivity(unchecked) public var status = 200

    /// The length of the body where it is known before the body; `nil`: it ends when it ends.
    @exclusivity(unchecked) public var contentLength: Int?

    /// Whether the response goes without the `Server` field that the gateway would add.
    public var omitsServer = false

    /// How the body comes, as a parser found it; a response that is made here leaves it alone.
    @exclusivity(unchecked) public internal(set) var framing = MessageFraming.none

    /// Whether the upstream's connection may be used again (RFC 9112 §9.3).
    @exclusivity(unchecked) public internal(set) var keepsAlive = true

    /// HTTP/1.x's x, as a parser found it.
    @exclusivity(unchecked) public internal(set) var minorVersion = 1

    /// An empty head with status 200.
    public init() {}

    /// Makes the head ready for the next response.
    public func reset() {
        fields.shrink()
        status = 200
        contentLength = nil
        omitsServer = false
        framing = .none
        keepsAlive = true
        minorVersion = 1
    }
}
