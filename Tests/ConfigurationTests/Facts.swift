import PenstockPatterns

@testable import PenstockConfiguration

extension Configuration {
    /// What the cases expect of an accepted configuration: `ok`, then a line for each part.
    var facts: String {
        var lines = ["ok"]
        if loops != nil || server != "penstock" || shutdown != Shutdown() {
            lines.append(
                "process: loops \(loops.map { "\($0)" } ?? "auto"), server \(server ?? "none"), drain \(shutdown.facts)"
            )
        }
        lines += listeners.map { listener in
            let trusts = list(" trusts", listener.trustedProxies) + (listener.proxyProtocol.value ? " by header" : "")
            return "listener \(listener.name) \(listener.address)\(trusts)"
        }
        if let admin { lines.append("admin \(admin.address)") }
        if state.isWritten { lines.append("state \(state)") }
        if let accessLog {
            if accessLog != AccessLog() { lines.append("access log \(accessLog.to.value) \(accessLog.format)") }
        } else {
            lines.append("access log off")
        }
        if log.level != .info { lines.append("log \(log.level)") }
        if paths != Paths() { lines.append("paths: merge \(paths.mergeSlashes), encoded \(paths.encodedSlashes)") }
        lines += errorPages.map(\.facts)
        for listener in listeners { lines += holding(listener, nil, "on \(listener.name)") }
        lines += functions.flatMap(\.facts)
        lines += upstreams.map(\.facts)
        lines += routes.flatMap { $0.facts + holding(listeners[0], $0, "  with") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Limits and timeouts that are not the defaults; of a route, those that are not its listener's.
    private func holding(_ listener: Listener, _ route: Route?, _ prefix: String) -> [String] {
        let limits = Self.differences(
            self.limits(of: listener, route),
            route == nil ? Limits() : self.limits(of: listener)
        )
        let timeouts = Self.differences(
            self.timeouts(of: listener, route),
            route == nil ? Timeouts() : self.timeouts(of: listener)
        )
        let words = [limits, timeouts].filter { !$0.isEmpty }
        return words.isEmpty ? [] : ["\(prefix) \(words.joined(separator: "; "))"]
    }

    private static func differences(_ value: Any, _ fallback: Any) -> String {
        zip(Swift.Mirror(reflecting: value).children, Swift.Mirror(reflecting: fallback).children)
            .filter { "\($0.0.value)" != "\($0.1.value)" }
            .map { "\($0.0.label ?? "") \(plain($0.0.value))" }
            .joined(separator: ", ")
    }

    private static func plain(_ value: Any) -> String {
        "\((value as? Int?).flatMap { $0 }.map { $0 as Any } ?? (value as? Duration)?.written ?? value)"
    }
}

private func list(_ word: String, _ values: [some CustomStringConvertible]) -> String {
    values.isEmpty ? "" : "\(word) \(values.map(\.description).joined(separator: " "))"
}

extension Configuration.Function {
    fileprivate var facts: [String] {
        let where_ =
            switch code {
            case .handler(let handler):
                "\(handler.language) \(handler.file):\(handler.function) by \(handler.interpreterPath ?? handler.interpreter.value)"
                    + " in \(handler.directory)"
            case .command(let command):
                "\(command.protocol.value.rawValue) \(command.arguments.map(\.value)) in \(command.directory)"
            case .swift(let name): "swift \(name)"
            }
        var lines = ["function \(name) \(where_)"]
        lines.append(
            "  timeout \(timeout.value.written), init \(initTimeout.value.written), "
                + "memory \(memory.map { "\($0)" } ?? "none"), response \(responseLimit), "
                + "instances \(instances.min)...\(instances.max) idle \(instances.idle.value.written), "
                + "queue \(queue.length) wait \(queue.wait.value.written)"
        )
        if !environment.isEmpty || !passEnvironment.isEmpty {
            lines.append(
                "  environment \(environment.map { "\($0.name)=\($0.value)" }) passes \(passEnvironment.map(\.value))"
            )
        }
        return lines
    }
}

extension Configuration.Shutdown {
    fileprivate var facts: String {
        let timeout = timeout.value.written
        return delay.value == .zero ? timeout : "\(timeout) after \(delay.value.written)"
    }
}

extension Configuration.Upstream {
    fileprivate var facts: String {
        "upstream \(name)\(list("", endpoints)), connect \(timeouts.connect.value.written), "
            + "first byte \(timeouts.firstByte.value.written), idle \(timeouts.idle.value.written), "
            + "keeps \(keepalive.connections) for \(keepalive.idle.value.written)" + written
    }

    /// Everything else that the file says.
    private var written: String {
        settings(of: nil)
            .filter { $0.position != nil && !$0.key.hasPrefix("timeouts.") && !$0.key.hasPrefix("keepalive.") }
            .filter { $0.key != "endpoints" }
            .map { ", \($0.key) \($0.value)" }.joined()
    }
}

extension Configuration.Route {
    fileprivate var facts: [String] {
        var lines = ["route '\(name)' \(path.value.segments.map(\.facts))"]
        lines[0] += list(" methods", methods) + list(" hosts", hosts) + list(" listeners", listeners)
        if trailingSlash.value != .strict { lines[0] += " slash \(trailingSlash)" }
        if priority != 0 { lines[0] += " priority \(priority)" }
        lines.append("  \(target.facts)\(timeout.map { " within \($0.value.written)" } ?? "")")
        if let fallback {
            let causes = fallback.on.map(\.description).joined(separator: " ")
            lines.append("  fallback on \(causes):" + fallback.targets.map { " [\($0.facts)]" }.joined())
        }
        lines += errorPages.map { "  \($0.facts)" }
        if let mirror { lines.append("  mirror \(mirror.percent)% \(mirror.target.facts)") }
        if let places = concurrency.value {
            lines.append("  \(places) at a time, queue \(queue.length) wait \(queue.wait.value.written)")
        }
        if let rewritePath { lines.append("  rewrite \(rewritePath.value.facts)") }
        let conditions =
            match.headers.map { "header \($0.facts)" } + match.query.map { "query \($0.facts)" }
            + match.cookies.map { "cookie \($0.facts)" } + match.clientAddress.map { "client \($0)" }
        if !conditions.isEmpty { lines.append("  match \(conditions.joined(separator: ", "))") }
        for (side, edits) in [("request", headers.request), ("response", headers.response)] where !edits.isEmpty {
            let settings = edits.settings.map { "\($0.name)=\($0.value.facts)" }.joined(separator: " ")
            lines.append("  \(side) set [\(settings)] remove [\(edits.removals.map(\.value).joined(separator: " "))]")
        }
        if let example { lines.append("  example \(example.query.map { "\($0.name)=\($0.value)" })") }
        return lines
    }
}

extension Configuration.Target {
    fileprivate var facts: String {
        switch self {
        case .function(let name): "function \(name)"
        case .upstream(let name): "upstream \(name)"
        case .redirect(let redirect): "redirect \(redirect.status) \(redirect.to.value.facts)"
        case .respond(let respond): "respond \(respond.status) \(String(reflecting: respond.body))"
        case .files(let files): "files \(files.root) index \(files.index)\(files.precompressed ? " precompressed" : "")"
        case .split(let split):
            "split" + split.targets.map { " [\($0.weight) \($0.target.facts)]" }.joined() + (split.sticky?.facts ?? "")
        }
    }
}

extension Configuration.SplitKey {
    fileprivate var facts: String {
        switch self {
        case .cookie(let sticky): " by cookie \(sticky.cookie) for \(sticky.age.value?.written ?? "the session")"
        case .header(let name): " by header \(name)"
        }
    }
}

extension Configuration.ErrorPage {
    fileprivate var facts: String {
        let source =
            switch source {
            case .file(let path, let content): "file \(path)\(content.map { " of \($0.count) bytes" } ?? "")"
            case .text(let text): String(reflecting: text)
            }
        return "page \(statuses.map(\.description).joined(separator: " ")) \(source) \(type ?? "")"
            + (intercepts ? " intercepts" : "")
    }
}

extension Configuration.Condition {
    fileprivate var facts: String {
        switch value {
        case .present: "\(name)"
        case .absent: "no \(name)"
        case .exact(let text): "\(name)=\(text)"
        case .prefix(let text): "\(name)=\(text)..."
        case .suffix(let text): "\(name)=...\(text)"
        case .regex(let regex): "\(name)~\(regex)"
        }
    }
}

extension Configuration.FieldValue {
    fileprivate var facts: String {
        switch self {
        case .template(let template): template.facts
        case .secret(let secret): "\(secret)"
        }
    }
}

extension Template {
    /// `<id>` is a parameter, `<$path>` part of the request.
    fileprivate var facts: String {
        parts.map { part in
            switch part {
            case .literal(let text): text
            case .parameter(let name): "<\(name)>"
            case .variable(let variable): "<$\(variable.rawValue)>"
            }
        }.joined()
    }
}

extension PathPattern.Segment {
    fileprivate var facts: String {
        switch self {
        case .literal(let text): text
        case .one(let name): "<\(name)>"
        case .oneOrMore(let name): "<\(name)+>"
        case .rest(let name): "<\(name)*>"
        }
    }
}
