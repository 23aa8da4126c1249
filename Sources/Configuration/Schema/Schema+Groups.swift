internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    /// What a group of routes is filled into, to find what is wrong with it; its routes are completed by its nodes.
    struct GroupDraft: Sendable {
        var route = RouteDraft()
        var prefix: Located<PathPattern>?
        var routes = Node(content: .sequence([]), position: .unwritten)
    }

    /// Routes and groups of them, depth first.
    static let routes = ValueKind<[Configuration.Route]>(
        type: "list of mappings",
        expectation: "a list of routes",
        schema: ["$ref": "#/$defs/routes"],
        section: routeShape.section.or(groupShape.section),
        read: { node, reader in
            readRoutes(node, in: Surrounding(), &reader)
        },
        show: { _ in nil }
    )

    /// What ``routes`` are to editors; a group refers to it.
    static let routesSchema: JSONValue = {
        let entry: JSONValue = ["anyOf": [routeShape.section.schema, groupShape.section.schema]]
        return ["anyOf": [entry, ["type": "array", "items": entry]]]
    }()

    /// What the groups around a route say for it.
    private struct Surrounding {
        /// A mapping of keys that routes have, the inner group's before the outer's.
        var values: Node?
        var prefix = ""
        /// Whether the prefix of some group could not be read: paths are not what they will be.
        var isPrefixUnread = false
    }

    private static func readRoutes(
        _ node: Node,
        in surrounding: Surrounding,
        _ reader: inout Reader
    ) -> [Configuration.Route] {
        guard case .sequence(let entries) = node.content else { return readEntry(node, in: surrounding, &reader) }
        return entries.flatMap { readEntry($0, in: surrounding, &reader) }
    }

    private static func readEntry(
        _ node: Node,
        in surrounding: Surrounding,
        _ reader: inout Reader
    ) -> [Configuration.Route] {
        guard node.entry("routes") == nil else { return readGroup(node, in: surrounding, &reader) }
        let completed = complete(node, in: surrounding, &reader)
        if surrounding.isPrefixUnread { reader.leaveUnread("path", of: completed) }
        return route.read(completed, &reader).map { [$0] } ?? []
    }

    private static func readGroup(
        _ node: Node,
        in surrounding: Surrounding,
        _ reader: inout Reader
    ) -> [Configuration.Route] {
        var draft = GroupDraft()
        guard groupShape.read(node, into: &draft, &reader) else { return [] }
        var inner = surrounding
        let own = Node(
            content: .mapping(node.entries.filter { groupKeys.contains($0.key.value) }),
            position: node.position
        )
        inner.values = surrounding.values.map { own.completed(by: $0, groupInheritance(but: [])) } ?? own
        if let prefix = node.entry("prefix")?.value {
            if draft.prefix != nil, case .scalar(let scalar) = prefix.content {
                inner.prefix += scalar.text
            } else {
                inner.isPrefixUnread = true
            }
        }
        return readRoutes(draft.routes, in: inner, &reader)
    }

    /// A route with what the groups around it say, and their prefixes before its path.
    private static func complete(_ node: Node, in surrounding: Surrounding, _ reader: inout Reader) -> Node {
        guard case .mapping(var entries) = node.content, let values = surrounding.values else { return node }
        if let index = entries.firstIndex(where: { $0.key.value == "path" }),
            case .scalar(let path) = entries[index].value.content,
            reader.text(entries[index].value, "a path")?.value.hasPrefix("/") == true
        {
            let scalar = Node.Scalar(text: surrounding.prefix + path.text, isPlain: path.isPlain)
            let value = Node(content: .scalar(scalar), position: entries[index].value.position)
            entries[index] = Node.Entry(key: entries[index].key, value: value)
        }
        let prefixed = Node(content: .mapping(entries), position: node.position)
        let idle =
            routeShape.idleKeys(of: prefixed, completedBy: values) + (hasTwoEnds(prefixed) ? [] : ["trailing_slash"])
        return prefixed.completed(by: values, groupInheritance(but: idle))
    }

    private static func groupInheritance(but idle: [String]) -> Inheritance {
        let fields = routeShape.fields.filter { groupKeys.contains($0.key) && !idle.contains($0.key) }
        return .keys(Dictionary(uniqueKeysWithValues: fields.map { ($0.key, $0.inheritance) }))
    }

    /// The keys of routes that a group has too.
    private static let groupKeys: Set = [
        "hosts", "listeners", "match", "priority", "trailing_slash", "headers", "timeout", "timeouts", "limits",
        "retries", "buffer", "fallback", "error_pages", "mirror", "concurrency", "queue",
    ]

    private static let groupShape = Shape<GroupDraft>(
        "a group of routes",
        title: "routes[].routes",
        summary: """
            An entry with `routes` in the place of a target: what it says holds for the routes and groups inside that do not \
            say it themselves. Mappings are completed as those in `defaults` are.
            """,
        initial: GroupDraft(),
        elsewhere: Dictionary(
            uniqueKeysWithValues: routeShape.fields.map(\.key).filter { !groupKeys.contains($0) }
                .map { ($0, "it is each route's own") }
        ),
        fields: [
            Field("routes", \.routes, innerRoutes, "The routes and groups inside.", isRequired: true),
            Field(
                "prefix",
                \.prefix,
                prefix.located.optional,
                "Stands before the path of each route inside, as it is: `/api` makes `/api/` of `/`. May have parameters.",
                default: "none"
            ),
        ] + routeShape.fields.filter { groupKeys.contains($0.key) }.map { $0.inside(\.route) }
    )

    /// Read as ``routes`` once all is known of the group.
    private static let innerRoutes = ValueKind<Node>(
        type: "list of mappings",
        expectation: "a list of routes",
        schema: ["$ref": "#/$defs/routes"],
        read: { node, _ in node },
        show: { _ in nil }
    )

    private static let prefix = Kind.pattern(
        "path pattern",
        "a path such as /api",
        schema: Kind.variable(or: ["type": "string", "pattern": #"^/(?!.*[+*]\}$).*[^/]$"#]),
        show: { .string($0.text) },
        parse: { (text) throws(PatternError) in
            let pattern = try PathPattern(parsing: text)
            guard pattern.segments.last?.takesRest == false else {
                throw PatternError("takes the rest of the path, and leaves nothing to what is inside")
            }
            guard !pattern.endsWithSlash else {
                let shorter = String(text.dropLast())
                let hint = shorter.isEmpty ? "leave 'prefix' out" : "write '\(shorter)'"
                throw PatternError("ends in '/', with which the paths inside begin", hint: hint)
            }
            return pattern
        }
    )
}
