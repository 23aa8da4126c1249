import PenstockBytes
public import PenstockConfiguration
import PenstockHTTP
import PenstockRouting

/// What `penstock explain` says: which route a request would take, with which values, and why the others lost.
public struct RouteReport {
    private let configuration: Configuration
    private let head: RequestHead
    private let explanation: RouteExplanation
    private let listener: Configuration.Listener

    /// Sends a request through the router, and nowhere else.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - method: as it goes over the wire.
    ///   - url: `http://HOST[:PORT]/PATH?QUERY`, or a path alone.
    ///   - fields: `name: value`.
    ///   - listener: the listener it comes in on; `nil`: the first one.
    /// - Throws: ``GatewayError`` where it is no request that could be served.
    public init(
        configuration: Configuration,
        method: String,
        url: String,
        fields: [String] = [],
        listener: String? = nil
    ) throws(GatewayError) {
        let names = configuration.listeners.map(\.name.value)
        let index = listener.map { names.firstIndex(of: $0) } ?? 0
        guard let index else {
            throw GatewayError("there is no listener '\(listener ?? "")'; there is \(names.joined(separator: ", "))")
        }
        self.configuration = configuration
        self.listener = configuration.listeners[index]
        head = try Self.parse(method, url, fields, configuration)
        let table = try RunningConfiguration.table(configuration)
        explanation = table.explain(RoutedRequest(head, listener: index))
    }

    private static func parse(
        _ method: String,
        _ url: String,
        _ fields: [String],
        _ configuration: Configuration
    ) throws(GatewayError) -> RequestHead {
        var authority = "localhost"
        var target = Substring(url)
        if let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }) {
            let rest = url.dropFirst(scheme.count)
            authority = String(rest.prefix { $0 != "/" && $0 != "?" })
            target = rest.dropFirst(authority.count)
        }
        if !target.hasPrefix("/") { target = "/" + target }
        let lines = ["\(method) \(target) HTTP/1.1", "host: \(authority)"] + fields
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n"
        var parser = RequestParser(
            limits: HeadLimits(),
            mergeSlashes: configuration.paths.mergeSlashes,
            rejectEncodedSlashes: configuration.paths.encodedSlashes == .reject
        )
        let head = RequestHead()
        let parsed: Int?
        do throws(RequestError) {
            parsed = try parser.parse(Array(text.utf8).span.bytes, into: head)
        } catch {
            throw GatewayError("such a request is answered with \(error.status): \(error.reason)")
        }
        guard parsed != nil else { throw GatewayError("that is no whole request") }
        return head
    }

    /// The route that was chosen; `nil` where none was.
    public var route: Configuration.Route? {
        guard case .route(let index) = explanation.match else { return nil }
        return configuration.routes[index]
    }

    /// The report for people.
    public var text: String {
        var lines = [
            "\(String(decoding: head.methodName, as: UTF8.self)) \(String(decoding: head.path, as: UTF8.self))"
        ]
        lines.append(row("listener", "\(listener.name) (\(listener.address))"))
        lines.append(row("outcome", outcome))
        if let route { lines += describe(route) }
        if !explanation.losers.isEmpty { lines.append("why the nearest others lost") }
        for loser in explanation.losers {
            let other = configuration.routes[loser.route]
            let reasons = loser.reasons.map { "\($0)" }.joined(separator: "; ")
            lines.append("  \(other.name) (\(place(other.position))): \(reasons)")
        }
        return lines.joined(separator: "\n")
    }

    private var outcome: String {
        switch explanation.match {
        case .route(let index):
            "route \(configuration.routes[index].name) (\(place(configuration.routes[index].position)))"
        case .notFound: "404: no route"
        case .methodNotAllowed: "405: routes take this path, but not this method"
        case .options: "204: OPTIONS is answered from the table"
        }
    }

    private func describe(_ route: Configuration.Route) -> [String] {
        var lines = [row("target", route.target.summary)]
        for parameter in explanation.parameters { lines.append(row("{\(parameter.name)}", parameter.value)) }
        lines.append(row("stages", stages(of: route).joined(separator: ", ")))
        for value in values(of: route) { lines.append(row(value.name, "\(value.text)  (\(value.origin))")) }
        return lines
    }

    /// The phases that the route has something to do in, in their fixed order (architecture.md, section 6).
    private func stages(of route: Configuration.Route) -> [String] {
        var stages = ["normalise", "route", "client address"]
        if route.rewritePath != nil { stages.append("rewrite") }
        if !route.headers.request.isEmpty { stages.append("request fields") }
        stages.append("target")
        if !route.headers.response.isEmpty { stages.append("response fields") }
        if configuration.accessLog != nil { stages.append("log") }
        return stages
    }

    // MARK: Values and where they come from

    private struct Value {
        let name: String
        let text: String
        let origin: String
    }

    private func values(of route: Configuration.Route) -> [Value] {
        var values = [value("timeout", route.timeout, default: "none")]
        let body = configuration.limits(of: listener, route).body
        let written = [
            route.limits.body?.position, listener.limits.body?.position, configuration.limits.body?.position,
        ]
        let position = written.compactMap { $0 }.first
        values.append(Value(name: "limits.body", text: body.map { "\($0)" } ?? "none", origin: origin(position)))
        if case .function(let name) = route.target,
            let function = configuration.functions.first(where: { $0.name.value == name.value })
        {
            values.append(value("function timeout", function.timeout, default: ""))
            values.append(value("instances.min", function.instances.min, default: ""))
            values.append(value("instances.max", function.instances.max, default: ""))
        }
        if case .upstream(let name) = route.target,
            let upstream = configuration.upstreams.first(where: { $0.name.value == name.value })
        {
            let endpoints = upstream.endpoints.map { "\($0)" }.joined(separator: ", ")
            values.append(Value(name: "endpoints", text: endpoints, origin: origin(upstream.name.position)))
            let timeouts = upstream.timeouts
            values.append(Value(name: "connect", text: "\(timeouts.connect)", origin: "upstream \(name)"))
            values.append(Value(name: "first_byte", text: "\(timeouts.firstByte)", origin: "upstream \(name)"))
            values.append(Value(name: "idle", text: "\(timeouts.idle)", origin: "upstream \(name)"))
        }
        return values
    }

    private func value<Content>(_ name: String, _ located: Located<Content>?, default text: String) -> Value {
        guard let located else { return Value(name: name, text: text, origin: "default") }
        return Value(name: name, text: "\(located.value)", origin: origin(located.isWritten ? located.position : nil))
    }

    private func origin(_ position: Position?) -> String { position.map(place) ?? "default" }

    private func place(_ position: Position) -> String {
        "\(configuration.file):\(position.line):\(position.column)"
    }

    private func row(_ name: String, _ text: String) -> String {
        "  " + name + String(repeating: " ", count: max(1, 18 - name.count)) + text
    }

    // MARK: JSON

    /// The report for programs: one JSON object.
    public var json: String {
        var report = JSONObject()
        report["method"] = .string(String(decoding: head.methodName, as: UTF8.self))
        report["path"] = .string(String(decoding: head.path, as: UTF8.self))
        report["listener"] = .string(listener.name.value)
        report["outcome"] = .string(outcome)
        if let route {
            report["route"] = .string(route.name.value)
            report["target"] = .string(route.target.summary)
            var parameters = JSONObject()
            for parameter in explanation.parameters { parameters[parameter.name] = .string(parameter.value) }
            report["parameters"] = .object(parameters)
            report["stages"] = .array(stages(of: route).map { .string($0) })
            var described = JSONObject()
            for value in values(of: route) {
                described[value.name] = ["value": .string(value.text), "from": .string(value.origin)]
            }
            report["values"] = .object(described)
        }
        report["others"] = .array(
            explanation.losers.map { loser in
                [
                    "route": .string(configuration.routes[loser.route].name.value),
                    "reasons": .array(loser.reasons.map { .string("\($0)") }),
                ]
            }
        )
        return JSONValue.object(report).jsonText
    }
}

extension Configuration.Target {
    /// What answers, in a few words: `function hello`.
    var summary: String {
        switch self {
        case .function(let name): "function \(name)"
        case .upstream(let name): "upstream \(name)"
        case .redirect(let redirect): "redirect \(redirect.status) to \(redirect.to)"
        case .respond(let respond): "respond \(respond.status)"
        case .files(let files): "files below \(files.root)"
        }
    }
}
