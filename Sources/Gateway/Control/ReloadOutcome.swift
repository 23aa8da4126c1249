import PenstockAdmin
import PenstockBytes
import PenstockConfiguration

/// What became of a reload.
enum ReloadOutcome {
    /// The new configuration serves; there may be warnings.
    case succeeded(Configuration.Loaded, generation: Int)

    /// The file has errors.
    case refused(Configuration.Loaded)

    /// The file is right, and the machine is not: an address in use, a function that does not start.
    case failed(Configuration.Loaded, GatewayError)

    /// What the admin API says of it.
    var answer: AdminAnswer {
        switch self {
        case .succeeded(let loaded, let generation):
            let members: [JSONObject.Member] = [
                .init(key: "configuration", value: .string(loaded.sources.first?.file ?? "")),
                .init(key: "generation", value: .number(generation)),
            ]
            return .json(.object(JSONObject(members + loaded.members)))
        case .refused(let loaded):
            return .failure("the configuration has errors; the old one serves on", status: 422, more: loaded.members)
        case .failed(let loaded, let error):
            return .failure("\(error); the old one serves on", status: 422, more: loaded.members)
        }
    }
}

extension Configuration.Loaded {
    /// Errors and warnings, as they are printed and one by one.
    fileprivate var members: [JSONObject.Member] {
        let shown = diagnostics.filter { $0.severity != .note }
        return [
            .init(key: "diagnostics", value: .array(shown.map(\.json))),
            .init(key: "text", value: .string(shown.rendered(in: sources))),
        ]
    }
}

extension Diagnostic {
    fileprivate var json: JSONValue {
        [
            "severity": .string(severity.rawValue), "file": .string(file), "line": .number(line),
            "column": .number(column), "message": .string(message), "hint": hint.map(JSONValue.string) ?? nil,
        ]
    }
}
