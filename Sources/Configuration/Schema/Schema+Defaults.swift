internal import PenstockBytes

extension Schema {
    /// What holds for every function, upstream or route that does not say it; read, but not yet part of any.
    struct Defaults: Sendable {
        var function: Node?
        var upstream: Node?
        var route: Node?

        init() {}

        /// What a file says, right or wrong.
        init(of root: Node) {
            let defaults = root.entry("defaults")?.value
            function = defaults?.entry("function")?.value
            upstream = defaults?.entry("upstream")?.value
            route = defaults?.entry("route")?.value
        }
    }

    static let defaults = Kind.object(
        Shape<Defaults>(
            "'defaults'",
            title: "defaults",
            summary: """
                What holds for every function, upstream and route, those of included files too, that does not say it itself. \
                Mappings are completed key by key, `environment` name by name and `headers` field by field; lists and \
                everything else are replaced. A key that has a meaning only with some code or some paths is left aside for \
                others.
                """,
            initial: Defaults(),
            fields: [
                Field(
                    "function",
                    \.function,
                    functionShape.defaults,
                    "Every key of `functions.NAME` but `handler`, `command` and `swift`.",
                    default: "nothing"
                ),
                Field(
                    "upstream",
                    \.upstream,
                    upstreamShape.defaults,
                    "Every key of `upstreams.NAME` but `endpoints` and `registration`.",
                    default: "nothing"
                ),
                Field(
                    "route",
                    \.route,
                    routeShape.defaults,
                    "Every key of `routes[]` but those that say what it takes (`trailing_slash` may stand here) and what answers.",
                    default: "nothing"
                ),
            ]
        ),
        initial: Defaults()
    )
}

extension Shape {
    /// The mapping where it is written for all: without what is each one's own.
    fileprivate var defaults: ValueKind<Node?> {
        let shape = Shape(
            "the defaults of \(name)",
            title: "defaults",
            summary: section.summary,
            initial: initial,
            elsewhere: Dictionary(uniqueKeysWithValues: identity.map { ($0, "it is each one's own") }),
            fields: fields.filter { !identity.contains($0.key) }
        )
        return ValueKind<Node?>(
            type: "mapping",
            expectation: shape.name,
            schema: shape.section.schema,
            read: { node, reader in
                var draft = shape.initial
                // What is wrong in it is said here, once.
                return shape.read(node, into: &draft, &reader) ? .some(node) : nil
            },
            show: { _ in nil }
        )
    }

    /// The keys that have no meaning in a mapping for want of another, which no other mapping brings.
    func idleKeys(of node: Node, completedBy other: Node) -> [String] {
        needs.filter { need in
            !need.anyOf.contains { key in
                node.entry(key) != nil || (!identity.contains(key) && other.entry(key) != nil)
            }
        }.map(\.key)
    }

    /// A mapping with what the file's defaults say where it says nothing.
    ///
    /// - Parameters:
    ///   - node: the mapping.
    ///   - defaults: those of all mappings of its kind.
    ///   - applies: whether a key has a meaning for the mapping, where that depends on more than its other keys.
    /// - Returns: the mapping as it is to be read.
    func completed(
        _ node: Node,
        by defaults: Node?,
        where applies: (String) -> Bool = { _ in true }
    ) -> Node {
        guard let defaults else { return node }
        let idle = idleKeys(of: node, completedBy: defaults)
        let keys = fields.filter { !identity.contains($0.key) && !idle.contains($0.key) && applies($0.key) }
        let ways = Dictionary(uniqueKeysWithValues: keys.map { ($0.key, $0.inheritance) })
        return node.completed(by: defaults, .keys(ways))
    }
}

extension ValueKind {
    /// The kind whose mappings are completed before they are read.
    func completing(_ complete: @escaping @Sendable (Node, Reader) -> Node) -> Self {
        ValueKind(
            type: type,
            expectation: expectation,
            schema: schema,
            section: section,
            inheritance: inheritance,
            read: { [read] node, reader in read(complete(node, reader), &reader) },
            show: show
        )
    }
}
