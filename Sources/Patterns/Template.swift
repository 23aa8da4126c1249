/// A text with places for parts of the request: `/{rest}`, `https://example.com{path}`.
public struct Template: Hashable, Sendable, CustomStringConvertible {
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

    init(text: String, parts: [Part]) {
        self.text = text
        self.parts = parts
    }

    /// The template of an empty text.
    public static let empty = Template(text: "", parts: [])

    public var description: String { text }
}
