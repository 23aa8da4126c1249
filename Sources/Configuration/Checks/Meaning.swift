internal import PenstockBytes
internal import PenstockPatterns

extension Configuration {
    /// Checks what needs no file: names that are referred to, addresses, routes that stand in each other's way.
    ///
    /// Names of the default form are made unique on the way.
    mutating func checkMeaning(_ reader: inout Reader) {
        checkListeners(&reader)
        checkNames(functions.map(\.name), "functions", &reader)
        checkNames(upstreams.map(\.name), "upstreams", &reader)
        nameRoutes(&reader)
        for route in routes { check(route, &reader) }
        for upstream in upstreams {
            checkUnique(upstream.endpoints.map { $0.map(\.place) }, &reader)
            checkUnique(upstream.registration?.networks ?? [], &reader)
        }
        checkCircles(&reader)
        for function in functions { checkUnique(function.passEnvironment, &reader) }
        checkMethods(&reader)
        checkLimits(&reader)
        reportShadows(&reader)
    }

    /// Says which routes no request can reach, of those whose conditions are known.
    private func reportShadows(_ reader: inout Reader) {
        guard !reader.isIncomplete, !reader.lacksFiles else { return }
        let compared = routes.filter { reader.hasReadAll(but: Schema.keysBesideConditions, at: $0.position) }
        for shadow in Self.shadows(among: compared) {
            let hidden = compared[shadow.route]
            reader.error(
                "\(hidden.label) can never match: '\(compared[shadow.by].name.value.excerpt)'"
                    + " in \(reader.line(of: compared[shadow.by].position, from: hidden.position)) takes all of its requests",
                at: hidden.position,
                hint: shadow.hint
            )
        }
    }

    /// Names that two files give; those of one file are keys, which YAML has once.
    private func checkNames(_ names: [Located<String>], _ what: String, _ reader: inout Reader) {
        var taken: [String: Position] = [:]
        for name in names {
            if let first = taken[name.value] {
                reader.error(
                    "two \(what) are called '\(name.value)'; the first in \(reader.line(of: first, from: name.position))",
                    at: name.position
                )
            } else {
                taken[name.value] = name.position
            }
        }
    }

    // MARK: Listeners

    private func checkListeners(_ reader: inout Reader) {
        var taken: [(address: Located<Address>, owner: String)] = []
        var names: [String: Position] = [:]
        for listener in listeners {
            if let first = names[listener.name.value] {
                reader.error(
                    "two listeners are called '\(listener.name.value)'; the first in line \(first.line)",
                    at: listener.name.position
                )
            }
            names[listener.name.value] = listener.name.position
            claim(listener.address, "listener '\(listener.name.value)'", &taken, &reader)
            checkUnique(listener.trustedProxies, &reader)
        }
        if let admin {
            claim(admin.address, "the admin listener", &taken, &reader)
            if !admin.address.value.isLocal {
                reader.warning(
                    "other machines reach the admin listener here, but /metrics is shown to this one alone",
                    at: admin.address.position
                )
            }
        }
    }

    private func claim(
        _ address: Located<Address>,
        _ owner: String,
        _ taken: inout [(address: Located<Address>, owner: String)],
        _ reader: inout Reader
    ) {
        if let other = taken.first(where: { $0.address.value.overlaps(address.value) }) {
            let same = other.address.value == address.value
            let place = other.address.isWritten ? " in line \(other.address.position.line)" : ""
            reader.error(
                "the address \(address.value) is listed twice: \(other.owner)\(place) has "
                    + (same ? "it" : "\(other.address.value), which takes it in"),
                at: address.position
            )
        }
        taken.append((address, owner))
    }

    // MARK: Routes

    private mutating func nameRoutes(_ reader: inout Reader) {
        var taken: [String: Position] = [:]
        for route in routes where route.name.isWritten {
            if let first = taken[route.name.value] {
                reader.error(
                    "two routes are called '\(route.name.value.excerpt)'; "
                        + "the first in \(reader.line(of: first, from: route.name.position))",
                    at: route.name.position
                )
            } else {
                taken[route.name.value] = route.name.position
            }
        }
        var counts: [String: Int] = [:]
        for index in routes.indices where !routes[index].name.isWritten {
            let base = routes[index].name.value
            var name = base
            while taken[name] != nil {
                counts[base, default: 1] += 1
                name = "\(base) (\(counts[base, default: 1]))"
            }
            taken[name] = routes[index].position
            routes[index].name.value = name
        }
    }

    private func check(_ route: Route, _ reader: inout Reader) {
        for target in route.targets {
            switch target {
            case .function(let name): checkKnown(name, .function, "function", &reader)
            case .upstream(let name): checkKnown(name, .upstream, "upstream", &reader)
            case .redirect, .respond, .files, .split: break
            }
        }
        if case .redirect(let redirect) = route.target { checkLoop(route, redirect, &reader) }
        if case .files = route.target { checkMethods(ofFiles: route, &reader) }
        for listener in route.listeners { checkKnown(listener, .listener, "listener", &reader) }
        checkUnique(route.hosts, &reader)
        checkUnique(route.listeners, &reader)
        checkUnique(route.methods, &reader)
        checkUnique(route.match.clientAddress, &reader)
        checkTrailingSlash(route, &reader)
        checkReachable(route, &reader)
    }

    /// The router has a bit for each method.
    private func checkMethods(_ reader: inout Reader) {
        var own: Set<String> = []
        for method in routes.flatMap(\.methods) where !Self.commonMethods.contains(method.value) {
            guard own.insert(method.value).inserted, own.count == Self.ownMethodLimit + 1 else { continue }
            reader.error(
                "there are more than \(Self.ownMethodLimit) methods besides the common ones in all routes",
                at: method.position
            )
        }
    }

    private static let commonMethods: Set = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]

    /// The most methods of all routes together that are not among the common ones.
    static let ownMethodLimit = 48

    private func checkKnown(_ name: Located<String>, _ space: Reader.NameSpace, _ what: String, _ reader: inout Reader)
    {
        guard !reader.lacksFiles, reader.names[space] != nil || reader.hasRead("\(what)s", at: reader.root) else {
            return
        }
        var known = reader.names[space] ?? []
        if space == .listener { known.formUnion(listeners.map(\.name.value)) }
        guard !known.contains(name.value) else { return }
        let near = suggestion(for: name.value, among: known).map { "did you mean '\($0)'?" }
        let all =
            known.isEmpty
            ? "the file has none" : known.count > 8 ? nil : "known: \(known.sorted().joined(separator: ", "))"
        reader.error("there is no \(what) '\(name.value.excerpt)'", at: name.position, hint: near ?? all)
    }

    private func checkUnique<Value: Hashable>(_ values: [Located<Value>], _ reader: inout Reader) {
        var seen: Set<Value> = []
        for value in values where !seen.insert(value.value).inserted {
            reader.error("'\("\(value.value)".excerpt)' is listed twice", at: value.position)
        }
    }

    /// A route to files that takes none of the methods which they are asked for with.
    private func checkMethods(ofFiles route: Route, _ reader: inout Reader) {
        guard reader.hasRead("methods", at: route.position), let first = route.methods.first,
            !route.methods.contains(where: { ["GET", "HEAD"].contains($0.value) })
        else { return }
        reader.warning("'files' answers GET and HEAD alone, and \(route.label) takes neither", at: first.position)
    }

    /// A final slash where the path leaves none to be added or taken away.
    private func checkTrailingSlash(_ route: Route, _ reader: inout Reader) {
        let written = route.trailingSlash
        guard written.value != .strict, route.path.value.withOtherEnd == nil else { return }
        let reason =
            route.path.value.segments.last?.takesRest == true
            ? "takes paths with a final slash and without" : "has no form without its slash"
        reader.error(
            "'\(written.value.rawValue)' has no meaning here: '\(route.path.value.text.excerpt)' \(reason)",
            at: written.position
        )
    }

    /// What no request can have, given how paths are read.
    private func checkReachable(_ route: Route, _ reader: inout Reader) {
        let literals = route.path.value.segments.compactMap { if case .literal(let text) = $0 { text } else { nil } }
        if paths.mergeSlashes, route.path.value.hasEmptySegmentInside {
            reader.error(
                "\(route.label) can never match: 'merge_slashes' leaves no '//' in a path",
                at: route.path.position
            )
        }
        if paths.encodedSlashes == .reject, literals.contains(where: { $0.contains("%2F") }) {
            reader.error(
                "\(route.label) can never match: 'encoded_slashes' refuses every request with '%2F'",
                at: route.path.position
            )
        }
    }

    /// A redirect that leads to where it came from.
    private func checkLoop(_ route: Route, _ redirect: Redirect, _ reader: inout Reader) {
        guard reader.hasRead("routes", at: reader.root), let host = redirect.host, redirect.keepsPath,
            route.takesEveryPath, route.match == Match(),
            route.hosts.contains(where: { $0.value.matches(host.utf8) })
        else { return }
        let owner = routes.first { other in
            other.priority >= route.priority && other.hosts.contains { !$0.value.isWildcard && $0.value.name == host }
        }
        guard owner == nil || owner == route else { return }
        reader.warning(
            "\(route.label) takes '\(host)' too, so it sends clients round in circles unless something else answers there",
            at: redirect.to.position
        )
    }

    // MARK: Limits

    private func checkLimits(_ reader: inout Reader) {
        guard reader.hasRead("limits", "listeners", at: reader.root) else { return }
        for listener in [nil] + listeners.map(Optional.some) {
            let written = [limits.requestLine, limits.head, listener?.limits.requestLine, listener?.limits.head]
            let resolved = limits(of: listener)
            guard resolved.requestLine > resolved.head, let place = written.compactMap({ $0 }).last else { continue }
            reader.error(
                "'request_line' (\(Size.written(resolved.requestLine))) is more than 'head'"
                    + " (\(Size.written(resolved.head))), which takes it in",
                at: place.position
            )
            return
        }
    }
}

extension Configuration.Route {
    /// For messages: the name where the file gives one.
    var label: String { name.isWritten ? "route '\(name.value.excerpt)'" : "this route" }

    /// Whether its pattern is one parameter that takes all.
    fileprivate var takesEveryPath: Bool {
        guard path.value.segments.count == 1, case .rest = path.value.segments[0] else { return false }
        return true
    }
}

extension Configuration.Redirect {
    /// The host it leads to, where that is the same for all requests.
    fileprivate var host: String? {
        guard case .literal(let text)? = to.value.parts.first,
            let scheme = ["https://", "http://"].first(where: text.lowercased().hasPrefix)
        else { return nil }
        let authority = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        guard case .http(let host, _)? = (try? Configuration.Endpoint.parse("http://\(authority)"))?.place else {
            return nil
        }
        return host.bracketed
    }

    /// Whether the path that it leads to is the one that was asked for.
    fileprivate var keepsPath: Bool {
        switch to.value.parts.last {
        case .variable(.path)?, .parameter?: true
        default: false
        }
    }
}

extension PathPattern {
    /// Whether a `//` is in it: an empty segment that is not the last.
    fileprivate var hasEmptySegmentInside: Bool {
        segments.dropLast().contains(.literal(""))
    }
}

extension Address {
    /// Whether nobody but this machine reaches it.
    fileprivate var isLocal: Bool {
        switch self {
        case .unix: true
        case .any: false
        case .host(.name(let name), _): name == "localhost"
        case .host(.ip(let address), _):
            address.isIPv4 ? address.low >> 24 == 127 : address.high == 0 && address.low == 1
        }
    }
}
