import PenstockBytes
import PenstockConfiguration
import PenstockFunctions
import PenstockHTTP
import PenstockPatterns
import PenstockRouting

/// An answer that the gateway gives itself, or that a target of its own gives whatever it would find.
struct OwnAnswer {
    let status: Int

    /// For people: `no route takes it`.
    let reason: String

    /// The value of `Allow`, where the answer has one.
    var allow: String?

    /// `405: no route takes the method, Allow: GET`.
    var text: String { "\(status): \(reason)\(allow.map { ", Allow: \($0)" } ?? "")" }
}

extension RouteReport {
    /// What the gateway answers without the target; `nil`: it is for the target to say.
    var ownAnswer: OwnAnswer? {
        switch match {
        case .route(let index): answer(of: configuration.routes[index], index)
        case .notFound: OwnAnswer(status: 404, reason: "no route takes it")
        case .methodNotAllowed(let methods):
            OwnAnswer(status: 405, reason: "no route takes the method", allow: allow(methods))
        case .options(let methods): OwnAnswer(status: 204, reason: "OPTIONS from the table", allow: allow(methods))
        }
    }

    /// What the chosen route answers before its target: in the order of its stages.
    private func answer(of route: Configuration.Route, _ index: Int) -> OwnAnswer? {
        if bodyLength > configuration.limits(of: listener, route).body ?? .max { return Self.bodyTooLarge }
        if let ownForm = ownForm(route) { return OwnAnswer(status: 308, reason: "to \(ownForm)") }
        if let rewrite = route.rewritePath, filled(rewrite.value, .path, index) == nil {
            return OwnAnswer(status: 400, reason: "a value that no path can hold")
        }
        if case .function = route.target, bodyLength > FunctionHandler.bodyLimit { return Self.bodyTooLarge }
        if case .files = route.target, !["GET", "HEAD"].contains(method) {
            return OwnAnswer(status: 405, reason: "files are read only", allow: "GET, HEAD")
        }
        return nil
    }

    /// The path in the form that the route sends clients to; `nil` where it has that form, or the route sends nobody.
    private func ownForm(_ route: Configuration.Route) -> String? {
        let hasSlash = route.path.value.endsWithSlash
        guard route.trailingSlash.value == .redirect, path.hasSuffix("/") != hasSlash else { return nil }
        return hasSlash ? path + "/" : String(path.dropLast())
    }

    /// What the request says of its body.
    private var bodyLength: Int { if case .length(let length) = head.framing { length } else { 0 } }

    private static let bodyTooLarge = OwnAnswer(status: 413, reason: "a body over limits.body")

    /// A template as this request fills it; `nil` where that is refused.
    func filled(_ template: Template, _ use: RequestTemplate.Use, _ index: Int) -> String? {
        let names = configuration.routes[index].path.value.parameters
        let prepared = RequestTemplate(template, for: use, parameters: names)
        var output = ByteBuffer()
        guard prepared.write(head, captures, to: &output) else { return nil }
        return String(decoding: output.readable, as: UTF8.self)
    }
}
