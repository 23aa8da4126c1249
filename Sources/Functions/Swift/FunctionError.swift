/// An error with a type of the function's own choice: the client gets 502, the log gets type and message.
///
/// Any error may be thrown; this one is for those that have no type of their own.
public struct FunctionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Names the kind of error in the log: `OrderNotFound`.
    public var type: String

    /// What the log says of it.
    public var message: String

    /// An error with this type and message.
    public init(type: String = "FunctionError", _ message: String) {
        self.type = type
        self.message = message
    }

    /// `OrderNotFound: order 7 does not exist`.
    public var description: String { "\(type): \(message)" }
}
