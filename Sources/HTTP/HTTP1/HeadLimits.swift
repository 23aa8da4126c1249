/// How large the parts of a message may be that are kept in memory before anybody has seen them.
public struct HeadLimits: Equatable, Sendable {
    /// The longest request line or status line, in bytes, line end included.
    public var requestLine: Int

    /// The longest head, or trailer section, in bytes, from its first line to its empty line.
    public var head: Int

    /// How many fields a head, or a trailer section, may have.
    public var fields: Int

    /// All chunk extensions of one body together, in bytes.
    public var chunkExtensions: Int

    /// Limits of one's own; the defaults are those of `routes.yaml`.
    public init(
        requestLine: Int = 16 * 1024,
        head: Int = 64 * 1024,
        fields: Int = 200,
        chunkExtensions: Int = 4 * 1024
    ) {
        self.requestLine = requestLine
        self.head = head
        self.fields = fields
        self.chunkExtensions = chunkExtensions
    }
}
