extension [UInt8] {
    /// The same for the same bytes, and short.
    ///
    /// An expectation that compares two long arrays and fails looks for their difference for minutes.
    public var outline: String { "\(count) bytes, hash \(hashValue)" }
}
