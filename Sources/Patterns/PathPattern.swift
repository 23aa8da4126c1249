/// The paths that a route takes, segment by segment: `/users/{id}`, `/shop/{rest*}`.
public struct PathPattern: Hashable, Sendable, CustomStringConvertible {
    /// As written.
    public let text: String

    /// What stands between the slashes; `/` has one empty literal, `/a/` ends in one.
    public let segments: [Segment]

    /// One step of a pattern.
    public enum Segment: Hashable, Sendable {
        /// Exactly this, in the one form that request paths are normalised to.
        case literal(String)
        /// `{x}`: one segment that is not empty.
        case one(String)
        /// `{x+}`: one segment or more; last.
        case oneOrMore(String)
        /// `{x*}`: the rest, possibly nothing; last.
        case rest(String)

        /// The parameter's name, if it is one.
        public var parameter: String? {
            switch self {
            case .literal: nil
            case .one(let name), .oneOrMore(let name), .rest(let name): name
            }
        }

        /// Whether it takes all that follows.
        public var takesRest: Bool {
            switch self {
            case .literal, .one: false
            case .oneOrMore, .rest: true
            }
        }
    }

    init(text: String, segments: [Segment]) {
        self.text = text
        self.segments = segments
    }

    /// `/`.
    public static let root = PathPattern(text: "/", segments: [.literal("")])

    /// Whether its paths end in a slash, where it does not take the rest.
    public var endsWithSlash: Bool { segments.last == .literal("") }

    /// The same with a final slash where this has none, and without where it has one; `nil` where one of the two is no
    /// path, or the pattern takes both.
    public var withOtherEnd: PathPattern? {
        guard segments.count > 1 || !endsWithSlash, segments.last?.takesRest == false else { return nil }
        return endsWithSlash
            ? PathPattern(text: String(text.dropLast()), segments: segments.dropLast())
            : PathPattern(text: text + "/", segments: segments + [.literal("")])
    }

    /// The names of the parameters, in order.
    public var parameters: [String] { segments.compactMap(\.parameter) }

    public var description: String { text }
}

extension PathPattern.Segment: CustomStringConvertible {
    public var description: String {
        switch self {
        case .literal(let text): text
        case .one(let name): "{\(name)}"
        case .oneOrMore(let name): "{\(name)+}"
        case .rest(let name): "{\(name)*}"
        }
    }
}
