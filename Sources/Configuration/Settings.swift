internal import PenstockBytes

/// A value that holds for a request, and who said so: what `explain` prints.
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
        /// The route's function.
        case function(Position)
        /// The route's upstream.
        case upstream(Position)
        /// What a function is given at most, whatever the file says.
        case payload
    }

    /// As in the reference: `limits.body`.
    public let key: String

    /// As it would be written: `10MiB`.
    public let value: String

    public let origin: Origin

    /// Where the file says it; `nil`: it is the default.
    public var position: Position? {
        switch origin {
        case .standard, .payload: nil
        case .process(let position), .listener(let position), .route(let position), .function(let position),
            .upstream(let position):
            position
        }
    }

    public init(key: String, value: String, origin: Origin) {
        self.key = key
        self.value = value
        self.origin = origin
    }
}

extension Configuration {
    /// Every limit and timeout that holds for a request, with the place that decides it.
    ///
    /// - Parameters:
    ///   - listener: where the client connected.
    ///   - route: the route chosen, if one was.
    /// - Returns: the settings in the order of the reference.
    public func settings(of listener: Listener, _ route: Route?) -> [Setting] {
        let limitSettings = Schema.limitFields(.process).flatMap { field in
            guard Schema.countedLimits.contains(field.key), let own = field.value(listener.limits) else {
                return [setting("limits", field, limits, listener.limits, route?.limits)]
            }
            let key = "listeners.\(listener.name).limits.\(field.key)"
            return [
                setting("limits", field, limits, LimitOverrides(), nil),
                Setting(key: key, value: own.text, origin: .listener(own.position)),
            ]
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

extension Configuration.Function {
    /// How the function is run, with the place that decides each value; of its environment the names alone.
    public var settings: [Setting] {
        let run = settings(Schema.functionRunFields, .function(self), "").filter { $0.key != "pass_environment" }
        let some = settings(Schema.instanceFields, instances, "instances.")
        let wait = settings(Schema.queueFields, queue, "queue.")
        let names = environment.map { Setting("environment.\($0.name.value)", "set", $0.name.position) }
        let passed = passEnvironment.map { Setting("pass_environment", $0.value, $0.position) }
        let shape = Setting("event", event.value.rawValue, event.position)
        return codeSettings + [shape] + run + some + wait + names + passed
    }

    private var codeSettings: [Setting] {
        switch code {
        case .handler(let handler):
            let interpreter = handler.interpreterPath ?? handler.interpreter.value
            return [
                Setting("handler", "\(handler.file):\(handler.function)", handler.file.position),
                Setting("interpreter", interpreter, handler.interpreter.position),
                Setting("directory", handler.directory.value, handler.directory.position),
            ]
        case .command(let command):
            let words = command.arguments.map(\.value).joined(separator: " ")
            return [
                Setting("command", words, command.arguments.first?.position ?? .unwritten),
                Setting("protocol", command.protocol.value.rawValue, command.protocol.position),
                Setting("directory", command.directory.value, command.directory.position),
            ]
        case .swift(let name): return [Setting("swift", name.value, name.position)]
        }
    }

    private func settings<Draft>(_ fields: [Field<Draft>], _ draft: Draft, _ prefix: String) -> [Setting] {
        fields.compactMap { field in
            let fallback = field.row(draft).fallback.map { $0.string ?? $0.jsonText }
            guard let written = field.value(draft) else {
                return fallback.map { Setting(key: prefix + field.key, value: $0, origin: .standard) }
            }
            return Setting(prefix + field.key, written.text, written.position)
        }
    }
}

extension Setting {
    /// A value of a function.
    fileprivate init(_ key: String, _ value: String, _ position: Position) {
        self.init(key: key, value: value, origin: position == .unwritten ? .standard : .function(position))
    }
}

extension Schema.FunctionDraft {
    fileprivate static func function(_ function: Configuration.Function) -> Schema.FunctionDraft {
        var draft = Schema.FunctionDraft()
        draft.function = function
        return draft
    }
}
