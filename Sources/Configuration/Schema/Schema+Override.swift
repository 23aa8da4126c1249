extension Schema {
    /// A key that can be written at several levels, of which the nearest holds.
    ///
    /// - Parameters:
    ///   - key: as it is written.
    ///   - path: where it goes.
    ///   - resolved: where it is when all has been decided; what that begins with is its default.
    ///   - kind: what its value is.
    ///   - level: where it is written.
    ///   - summary: what the reference says of it.
    /// - Returns: a key that may be left out.
    static func override<Overrides, Resolved: DefaultConstructible, Value: Sendable>(
        _ key: String,
        _ path: any WritableKeyPath<Overrides, Located<Value>?> & Sendable,
        _ resolved: KeyPath<Resolved, Value>,
        _ kind: ValueKind<Value>,
        at level: Level = .process,
        _ summary: String
    ) -> Field<Overrides> {
        let fallback = kind.show(Resolved()[keyPath: resolved])
        return Field(key, path, kind.located.optional, summary, fallback: fallback, default: level.fallback)
    }
}

/// A value whose defaults are those of the configuration.
protocol DefaultConstructible {
    init()
}

extension Configuration.Limits: DefaultConstructible {}
extension Configuration.Timeouts: DefaultConstructible {}
extension Configuration.Retries: DefaultConstructible {}
extension Configuration.Buffer: DefaultConstructible {}
