internal import PenstockBytes

/// A limit or timeout that holds for a request, and who said so: what `explain` prints.
public struct Setting: Equatable, Sendable {
    /// Who said it.
    public enum Origin: Equatable, Sendable {
        /// Nobody: it is the default.
        case standard
        /// The keys of the whole process.
        case process(Position)
        /// The request's listener.
        case listener(Position)
        /// The request's route.
        case route(Position)
    }

    /// As in the reference: `limits.body`.
    public let key: String

    /// As it would be written: `10MiB`.
    public let value: String

    public let origin: Origin
}

extension Configuration {
    /// Every limit and timeout that holds for a request, with the place that decides it.
    ///
    /// - Parameters:
    ///   - listener: where the client connected.
    ///   - route: the route chosen, if one was.
    /// - Returns: the settings in the order of the reference.
    public func settings(of listener: Listener, _ route: Route?) -> [Setting] {
        let limitSettings = Schema.limitFields(.process).map { field in
            setting("limits", field, limits, listener.limits, route?.limits)
        }
        let timeoutSettings = Schema.timeoutFields(.process).map { field in
            setting("timeouts", field, timeouts, listener.timeouts, route?.timeouts)
        }
        return limitSettings + timeoutSettings
    }

    private func setting<Overrides>(
        _ section: String,
        _ field: Field<Overrides>,
        _ process: Overrides,
        _ listener: Overrides,
        _ route: Overrides?
    ) -> Setting {
        let key = "\(section).\(field.key)"
        if let route, let written = field.value(route) {
            return Setting(key: key, value: written.text, origin: .route(written.position))
        }
        if let written = field.value(listener) {
            return Setting(key: key, value: written.text, origin: .listener(written.position))
        }
        if let written = field.value(process) {
            return Setting(key: key, value: written.text, origin: .process(written.position))
        }
        let fallback = field.row(process).fallback
        return Setting(key: key, value: fallback.map { $0.string ?? $0.jsonText } ?? "", origin: .standard)
    }
}
