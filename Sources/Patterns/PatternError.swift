/// Why a text is no pattern, in words that go on from it: `has two parameters 'x'`.
public struct PatternError: Error, Equatable {
    /// What is wrong.
    public let message: String

    /// What to write instead, where that can be told.
    public let hint: String?

    public init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
