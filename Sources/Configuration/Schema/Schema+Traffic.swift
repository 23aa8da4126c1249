internal import PenstockBytes

/// What answers, written on a route or inside `split`, `fallback` and `mirror`; and errors.
extension Schema {
    /// What a target is filled into.
    struct TargetDraft: Sendable {
        var function: Located<String>?
        var upstream: Located<String>?
        var redirect: Configuration.Redirect?
        var respond: Configuration.Respond?
        var files: Configuration.Files?
        var split: Configuration.Split?

        /// The one that is there.
        var target: Configuration.Target? {
            if let function { return .function(function) }
            if let upstream { return .upstream(upstream) }
            if let redirect { return .redirect(redirect) }
            if let respond { return .respond(respond) }
            if let files { return .files(files) }
            return split.map { .split($0) }
        }
    }

    static let targetFields: [Field<TargetDraft>] = [
        Field("function", \.function, Kind.line.located.optional, "A function answers, by name."),
        Field("upstream", \.upstream, Kind.line.located.optional, "An upstream answers, by name."),
        Field("redirect", \.redirect, redirect.optional, "The client is sent elsewhere."),
        Field("respond", \.respond, respond.optional, "A fixed answer."),
        Field("files", \.files, files.optional, "Files below a folder."),
    ]

    private static let targetKeys = targetFields.map(\.key)

    // MARK: Split

    private struct WeightedDraft: Sendable {
        var weight = Located.unwritten(1)
        var answer = TargetDraft()
    }

    private static let weightedTarget = Kind.object(
        Shape<WeightedDraft>(
            "a target of 'split'",
            title: "routes[].split.targets[]",
            summary: "A target as a route has one, and its share.",
            initial: WeightedDraft(),
            exactlyOne: targetKeys,
            fields: [
                Field(
                    "weight",
                    \.weight,
                    Kind.integer(0...1_000_000).located,
                    "Its part of the sum of all weights; with 0 it gets nothing."
                )
            ] + targetFields.map { $0.inside(\.answer) }
        ),
        initial: WeightedDraft()
    ) { draft, _, _ in draft.answer.target.map { Configuration.WeightedTarget(weight: draft.weight, target: $0) } }

    private static let weightedTargets = weightedTarget.list(notEmpty: "'split' needs a target")

    static let split: ValueKind<Configuration.Split> = Kind.object(
        Shape<Configuration.Split>(
            "'split'",
            title: "routes[].split",
            summary:
                "Chance picks a target for each request, by weight. Without `sticky`, the list may stand here itself.",
            initial: Configuration.Split(),
            fields: [
                Field("targets", \.targets, weightedTargets, "What it chooses between.", isRequired: true),
                Field(
                    "sticky",
                    \.sticky,
                    splitKey.optional,
                    "What keeps a client with its target.",
                    default: "nothing"
                ),
            ]
        ),
        initial: Configuration.Split()
    ).orList(of: weightedTarget, notEmpty: "'split' needs a target") { Configuration.Split(targets: $0) }
        .transformed(show: { $0 }) { split, node, reader in
            guard let first = split.targets.first else { return nil as Configuration.Split? }
            if split.targets.allSatisfy({ $0.weight.value == 0 }) {
                reader.error(
                    "every weight is 0, so that no target would answer",
                    at: first.weight.isWritten ? first.weight.position : node.position
                )
            }
            return split
        }

    private struct SplitKeyDraft: Sendable {
        var cookie: Located<String>?
        var age: Located<Duration?> = .unwritten(nil)
        var header: Located<String>?
    }

    private static let splitKey = Kind.object(
        Shape<SplitKeyDraft>(
            "'sticky'",
            title: "routes[].split.sticky",
            summary: "A client comes to one target, as long as that has a weight.",
            initial: SplitKeyDraft(),
            exactlyOne: ["cookie", "header"],
            needs: [("age", ["cookie"])],
            fields: [
                Field(
                    "cookie",
                    \.cookie,
                    cookieName.interpolated.located.optional,
                    "A cookie of this name, which is set where it is missing; it tells nothing of the target but a hash."
                ),
                Field(
                    "age",
                    \.age,
                    Kind.duration(.seconds(1) ... .hours(24 * 365)).or("none").located,
                    "How long the cookie lives; `none`: as long as the browser's session."
                ),
                Field(
                    "header",
                    \.header,
                    matchableName.interpolated.located.optional,
                    "A field of the request: the same value comes to the same target."
                ),
            ]
        ),
        initial: SplitKeyDraft()
    ) { draft, _, _ in
        if let name = draft.cookie {
            return Configuration.SplitKey.cookie(Configuration.Sticky(cookie: name, age: draft.age))
        }
        return draft.header.map { Configuration.SplitKey.header($0) }
    }

    // MARK: Fallback

    private static let fallbackTarget = Kind.object(
        Shape<TargetDraft>(
            "a target of 'fallback'",
            title: "routes[].fallback.targets[]",
            summary: "A target as a route has one.",
            initial: TargetDraft(),
            exactlyOne: targetKeys,
            fields: targetFields
        ),
        initial: TargetDraft()
    ) { draft, _, _ in draft.target }

    private static let fallbackTargets = fallbackTarget.list(notEmpty: "'fallback' needs a target")

    static let fallback: ValueKind<Configuration.Fallback> = Kind.object(
        Shape<Configuration.Fallback>(
            "'fallback'",
            title: "routes[].fallback",
            summary: """
                Targets that are asked one after the other, until one does not fail; the last failure is the client's. A                 function or an upstream can only be asked where the request's body is kept: as far as it fits into                 `buffer.request`. Without `on`, the list may stand here itself.
                """,
            initial: Configuration.Fallback(),
            fields: [
                Field(
                    "on",
                    \.on,
                    fallbackCondition.located.list(notEmpty: "leave 'on' out to have the default"),
                    """
                    What counts as a failure: `error`, where an upstream or a function gives no answer (no connection, a                     timeout, no place, a crash), and statuses that one of them answered with.
                    """,
                    default: "`[error, 502, 503, 504]`"
                ),
                Field("targets", \.targets, fallbackTargets, "Who is asked, in this order.", isRequired: true),
            ]
        ),
        initial: Configuration.Fallback()
    ).orList(of: fallbackTarget, notEmpty: "'fallback' needs a target") { Configuration.Fallback(targets: $0) }
        .transformed(show: { $0 }) { fallback, _, _ in fallback.targets.isEmpty ? nil : fallback }

    private static let fallbackCondition = ValueKind<Configuration.FallbackCondition>(
        type: "`error`, status or range",
        expectation: "'error', a status such as 502, or a range such as 500-599",
        schema: ["anyOf": [["const": "error"], errorStatus.schema]],
        read: { node, reader in
            guard let text = reader.text(node, "'error', a status or a range") else { return nil }
            if text.value == "error" { return .error }
            return errorStatus.read(node, &reader).map { .status($0.range) }
        },
        show: { .string($0.description) }
    )

    // MARK: Mirror

    private struct MirrorDraft: Sendable {
        var answer = TargetDraft()
        var percent = Located.unwritten(100)
    }

    static let mirror = Kind.object(
        Shape<MirrorDraft>(
            "'mirror'",
            title: "routes[].mirror",
            summary: """
                The copy goes its own way, with the request's id: its answer is dropped, and however slow it is, the                 client does not wait for it. A copy that more than 64 KiB of the body wait for is given up.
                """,
            initial: MirrorDraft(),
            exactlyOne: ["function", "upstream"],
            fields: targetFields.filter { ["function", "upstream"].contains($0.key) }.map { $0.inside(\.answer) } + [
                Field("percent", \.percent, Kind.percent(0...100).located, "How many of the requests are copied.")
            ]
        ),
        initial: MirrorDraft()
    ) { draft, _, _ in draft.answer.target.map { Configuration.Mirror(target: $0, percent: draft.percent) } }
}

extension ValueKind {
    /// The mapping, or the list that is the most of it.
    ///
    /// - Parameters:
    ///   - element: what is in the list.
    ///   - hint: what is said of an empty one.
    ///   - make: makes the value of a list.
    /// - Returns: the kind of both.
    func orList<Element>(
        of element: ValueKind<Element>,
        notEmpty hint: String,
        _ make: @escaping @Sendable ([Element]) -> Value
    ) -> ValueKind<Value> {
        let list = element.list(notEmpty: hint)
        return ValueKind<Value>(
            type: "mapping or list",
            expectation: "\(expectation) (a mapping or a list)",
            schema: ["anyOf": [schema, ["type": "array", "items": element.schema, "minItems": 1]]],
            section: section,
            read: { [read] node, reader in
                guard case .sequence = node.content else { return read(node, &reader) }
                return list.read(node, &reader).map(make)
            },
            show: show
        )
    }
}
