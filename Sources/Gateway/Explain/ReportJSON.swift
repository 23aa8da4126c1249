import PenstockBytes
import PenstockConfiguration
import PenstockHTTP
import PenstockRouting

extension RouteReport {
    /// The report as one object; its keys stay as they are.
    var jsonValue: JSONValue {
        var report = JSONObject()
        report["method"] = .string(method)
        report["host"] = .string(host)
        report["path"] = .string(path)
        report["query"] = head.query.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
        report["listener"] = .string(listener.name.value)
        report["status"] = ownAnswer.map { .number($0.status) } ?? .null
        report["allow"] = ownAnswer?.allow.map { .string($0) } ?? .null
        report["route"] = route.map { named($0) } ?? .null
        report["parameters"] = .object(
            JSONObject(explanation.parameters.map { JSONObject.Member(key: $0.name, value: .string($0.value)) })
        )
        report["target"] =
            route.map { ["kind": .string($0.target.kind), "name": .string($0.target.name)] } ?? .null
        report["stages"] = .array(stages.map { ["name": .string($0.name), "effect": .string($0.effect)] })
        report["timers"] = .array(timers.map(timer))
        report["values"] = .array(settings.map(value))
        report["others"] = .array(explanation.losers.map(loser))
        if !upstreams.isEmpty { report["upstreams"] = .array(upstreams.map(\.json)) }
        return .object(report)
    }

    private func named(_ route: Configuration.Route) -> JSONValue {
        ["name": .string(route.name.value), "place": .string(place(route.position))]
    }

    private func timer(_ timer: Timer) -> JSONValue {
        [
            "span": .string(timer.span),
            "key": .string(timer.key),
            "value": .string(timer.value),
            "outcome": .string(timer.outcome),
        ]
    }

    private func value(_ setting: Setting) -> JSONValue {
        [
            "key": .string(setting.key),
            "value": .string(setting.value),
            "from": .string(setting.level),
            "place": setting.position.map { .string(place($0)) } ?? .null,
        ]
    }

    private func loser(_ loser: RouteExplanation.Loser) -> JSONValue {
        let route = configuration.routes[loser.route]
        return [
            "name": .string(route.name.value),
            "place": .string(place(route.position)),
            "reasons": .array(loser.reasons.map { .string($0.description) }),
        ]
    }
}
