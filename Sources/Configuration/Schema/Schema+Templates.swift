internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    /// Tells parameters from variables in a route's templates, now that its path is known, and checks where they stand.
    static func resolveTemplates(_ route: inout Configuration.Route, _ reader: inout Reader) {
        let path = route.path.value
        if let rewrite = route.rewritePath {
            let resolved = resolve(rewrite, path, [.path], &reader)
            route.rewritePath = resolved
            checkRewrite(resolved, &reader)
        }
        let hasHosts = !route.hosts.isEmpty || !reader.hasRead("hosts", at: route.position)
        func resolved(_ target: Configuration.Target) -> Configuration.Target {
            guard case .redirect(var redirect) = target else { return target }
            redirect.to = resolve(redirect.to, path, Template.Variable.allCases, &reader)
            RedirectCheck(to: redirect.to, hasHosts: hasHosts).run(&reader)
            return .redirect(redirect)
        }
        route.target = route.target.mapChoices(resolved)
        if let targets = route.fallback?.targets { route.fallback?.targets = targets.map(resolved) }
        resolve(&route.headers.request, path, &reader)
        resolve(&route.headers.response, path, &reader)
    }

    private static func resolve(_ edits: inout Configuration.FieldEdits, _ path: PathPattern, _ reader: inout Reader) {
        for (index, setting) in edits.settings.enumerated() {
            guard case .template(let template) = setting.value else { continue }
            let located = Located(template, at: setting.name.position)
            let resolved = resolve(located, path, Template.Variable.allCases, &reader)
            edits.settings[index].value = .template(resolved.value)
        }
    }

    private static func resolve(
        _ template: Located<Template>,
        _ path: PathPattern,
        _ variables: [Template.Variable],
        _ reader: inout Reader
    ) -> Located<Template> {
        let parameters = path.parameters
        let known = parameters + variables.map(\.rawValue)
        let (resolved, unknown) = template.value.resolved(with: parameters)
        var wrong = unknown
        for case .variable(let variable) in resolved.parts where !variables.contains(variable) {
            wrong.append(variable.rawValue)
        }
        for name in wrong {
            let hint =
                suggestion(for: name, among: known).map { "did you mean '{\($0)}'?" }
                ?? "known here: \(known.map { "{\($0)}" }.joined(separator: ", "))"
            reader.error(
                "'{\(name)}' is no parameter of the path '\(path.text.excerpt)'",
                at: template.position,
                hint: hint
            )
        }
        return Located(resolved, at: template.position)
    }

    private static func checkRewrite(_ template: Located<Template>, _ reader: inout Reader) {
        switch template.value.parts.first {
        case .variable(.path)?: break
        case .literal(let text)? where text.utf8.first == ASCII.slash: break
        default:
            let hint = "write '/\(template.value.text.excerpt)'"
            reader.error("a path begins with '/'", at: template.position, hint: hint)
            return
        }
        guard checkLiterals(template, refusing: "?#", &reader) else { return }
        // A value is shown as 'x', which makes no segment a dot segment.
        let shown = template.value.parts.map { if case .literal(let literal) = $0 { literal } else { "x" } }.joined()
        let dots = shown.utf8.split(separator: ASCII.slash).map {
            Substring($0).lowercased().replacing("%2e", with: ".")
        }
        if dots.contains(where: { $0 == "." || $0 == ".." }) {
            reader.error("a path has no segment '.' or '..'", at: template.position)
        }
    }

    /// Checks what stands as it is in a path or URL.
    ///
    /// - Parameters:
    ///   - template: the path or URL.
    ///   - characters: what it may not have beside backslashes and tabs.
    ///   - reader: where errors go.
    /// - Returns: whether all is well.
    static func checkLiterals(
        _ template: Located<Template>,
        refusing characters: String,
        _ reader: inout Reader
    ) -> Bool {
        for case .literal(let literal) in template.value.parts {
            // Bytes, not characters: to those a backslash with an accent is no backslash.
            if let found = literal.utf8.first(where: { "\\\t".utf8.contains($0) || characters.utf8.contains($0) }) {
                let shown = String(Unicode.Scalar(found)).excerpt
                let hint = found == ASCII.question ? "the query stays as it is" : nil
                reader.error("'\(shown)' cannot stand here", at: template.position, hint: hint)
                return false
            }
            for piece in literal.utf8.split(separator: ASCII.percent, omittingEmptySubsequences: false).dropFirst() {
                let digits = piece.prefix(2)
                guard digits.count == 2, digits.allSatisfy({ ASCII.hexValue($0) != nil }) else {
                    reader.error(
                        "'%' without two hexadecimal digits",
                        at: template.position,
                        hint: "'%25' is the sign itself"
                    )
                    return false
                }
            }
        }
        return true
    }
}

/// Whether a redirect leads where its author means it to, whatever the request says.
///
/// The authority is the author's: the request's own host only where `hosts` bounds it, and a parameter never, not even
/// right behind it (`https://example.com{rest}` is `https://example.com.evil.org` for somebody).
struct RedirectCheck {
    let to: Located<Template>
    let hasHosts: Bool

    func run(_ reader: inout Reader) {
        guard Schema.checkLiterals(to, refusing: "", &reader) else { return }
        guard case .literal(let first)? = to.value.parts.first else { return runWithoutLiteral(&reader) }
        if first.utf8.starts(with: "//".utf8) {
            reader.error("'//' begins another host's URL", at: to.position, hint: "write 'https://...' or one '/'")
        } else if first.utf8.first == ASCII.slash {
            return
        } else if let scheme = ["https://", "http://"].first(where: { first.lowercased().utf8.starts(with: $0.utf8) }) {
            checkAuthority(afterScheme: first.utf8.dropFirst(scheme.utf8.count), &reader)
        } else {
            reader.error(
                "a redirect goes to a URL or to a path",
                at: to.position,
                hint: "begin with 'https://', 'http://' or '/'"
            )
        }
    }

    private func runWithoutLiteral(_ reader: inout Reader) {
        switch to.value.parts.first {
        case .variable(.path): break
        case .parameter(let name):
            reader.error("a redirect must not begin with a parameter", at: to.position, hint: "write '/{\(name)}'")
        default: reader.error("a redirect goes to a URL or to a path", at: to.position)
        }
    }

    private func checkAuthority(afterScheme literal: Substring.UTF8View, _ reader: inout Reader) {
        let rest = to.value.parts.dropFirst()
        if literal.isEmpty, rest.first == .variable(.host) {
            checkRequestHost(rest.dropFirst(), &reader)
        } else {
            checkAuthority("", literal, before: rest, &reader)
        }
    }

    /// Checks an authority of `host` and what `literal` adds to it, which nothing that a client sends may continue.
    private func checkAuthority(
        _ host: String,
        _ literal: Substring.UTF8View,
        before rest: ArraySlice<Template.Part>,
        _ reader: inout Reader
    ) {
        let own = literal.prefix { !"/?#".utf8.contains($0) }
        guard own.count < literal.count || rest.isEmpty || rest.first == .variable(.path) else {
            reader.error(
                "what the request says would become part of the host",
                at: to.position,
                hint: "end the host with '/'"
            )
            return
        }
        checkHost(host + String(Substring(own)), &reader)
    }

    /// The host is the request's: only where the route says which ones there are, and with nothing put behind it.
    private func checkRequestHost(_ rest: ArraySlice<Template.Part>, _ reader: inout Reader) {
        if !hasHosts {
            reader.error(
                "the host of this redirect is whatever the client says",
                at: to.position,
                hint: "add 'hosts' to the route, or write the host here"
            )
        }
        switch rest.first {
        case nil, .variable(.path)?: break
        case .literal(let text)? where text.utf8.first == ASCII.slash || text.utf8.first == ASCII.question: break
        case .literal(let text)? where text.utf8.first == ASCII.colon:
            checkAuthority("host", text.utf8[...], before: rest.dropFirst(), &reader)
        default: reader.error("something stands right behind '{host}'", at: to.position, hint: "end the host with '/'")
        }
    }

    private func checkHost(_ authority: String, _ reader: inout Reader) {
        do throws(Complaint) {
            _ = try Configuration.Endpoint.parse("http://\(authority)")
        } catch {
            let what = authority.isEmpty ? "the URL" : "'\(authority.excerpt)'"
            reader.error("\(what) \(error.message)", at: to.position)
        }
    }
}
