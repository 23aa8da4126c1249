/// Why the gateway could not start: a sentence for the person who started it.
///
/// Exit code 2.
public struct GatewayError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, and where it helps, what to do.
    public let description: String

    /// Says what is wrong.
    public init(_ description: String) { self.description = description }
}
