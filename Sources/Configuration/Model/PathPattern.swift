/// The paths that a route takes, segment by segment: `/users/{id}`, `/shop/{rest*}`.
public struct PathPattern: Equatable, Sendable, CustomStringConvertible {
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
    }

    /// The names of the parameters, in order.
    public var parameters: [String] { segments.compactMap(\.parameter) }

    public var description: String { text }
}

/// The hosts that a route takes: exactly one, or everything below a name.
public struct HostPattern: Hashable, Sendable, CustomStringConvertible {
    /// In lower case, without a leading `*.` and without a port: `example.com`, `[::1]`.
    public let name: String

    /// Whether one label or more must stand before the name, and the name alone does not match.
    public let isWildcard: Bool

    /// `*.example.com`.
    public var description: String { isWildcard ? "*.\(name)" : name }
}

/// A text with places for parts of the request: `/{rest}`, `https://example.com{path}`.
public struct Template: Equatable, Sendable, CustomStringConvertible {
    /// As written.
    public let text: String

    /// Its pieces in order; two literals never stand side by side.
    public let parts: [Part]

    /// A piece of a template.
    public enum Part: Hashable, Sendable {
        case literal(String)
        /// A parameter of the route's path, in its encoded form; of `{x+}` and `{x*}` all segments with their slashes.
        case parameter(String)
        /// A part of the request.
        case variable(Variable)
    }

    /// What every request has; a path parameter of the same name wins.
    public enum Variable: String, CaseIterable, Sendable {
        /// The normalised path, in its encoded form.
        case path
        /// The query as received, without `?`.
        case query
        /// The host that the client asked for, in lower case and without a port.
        case host
    }

    /// The text, where there is nothing to fill in.
    public var literal: String? {
        guard parts.count <= 1 else { return nil }
        guard let part = parts.first else { return "" }
        if case .literal(let text) = part { return text }
        return nil
    }

    public var description: String { text }
}
