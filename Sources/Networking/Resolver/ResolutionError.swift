/// Why a name has no address, as far as anybody knows.
public struct ResolutionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What went wrong.
    public enum Kind: Sendable {
        /// The name does not exist, or has no record of the kind that was asked for.
        case notFound
        /// No name server could be reached, or none of them helped.
        case noServer
        /// Every name server was silent.
        case timedOut
        /// What was answered is not a message of the DNS.
        case malformed
        /// Whoever asked did not wait.
        case cancelled
    }

    /// The name that was asked for.
    public let name: String

    /// What went wrong.
    public let kind: Kind

    /// The same in words, for a log.
    public let reason: String

    /// An error about `name`.
    public init(name: String, kind: Kind, reason: String) {
        self.name = name
        self.kind = kind
        self.reason = reason
    }

    /// `shop.internal: Name or service not known`.
    public var description: String { "\(name): \(reason)" }
}
