internal import PenstockBytes

/// Makes nodes of a YAML text, bounded in depth and number.
///
/// One document, scalar keys, no tags, no merge keys (`<<` is not YAML 1.2). An alias stands for a copy of what its
/// anchor named; what aliases add to the file is counted, so that a few lines cannot become a billion values.
struct Composer: ~Copyable {
    /// How deep values may nest; the schema needs 8.
    static let depthLimit = 64

    /// How many values aliases may add.
    static let aliasLimit = 100_000

    /// The merge key of YAML 1.1: refused, but kept in its mapping, so that what it would have brought is not missed.
    static let mergeKey = "<<"

    /// A value that an anchor named, and how many values it is in all.
    private struct Anchored {
        let node: Node
        let count: Int
    }

    private var events: EventStream
    private let source: SourceText
    private var anchors: [String: Anchored] = [:]

    /// How many values have been made, those behind aliases counted each time.
    private var count = 0

    /// How many of them came from aliases.
    private var aliased = 0

    /// What was wrong and could be passed over.
    private var diagnostics: [Diagnostic] = []

    private init(_ events: consuming EventStream, source: SourceText) {
        self.events = events
        self.source = source
    }

    /// Reads the one document of a file.
    ///
    /// - Parameter source: the whole file.
    /// - Returns: its root, `nil` where the text is not one YAML document; and everything that is wrong with it.
    static func compose(_ source: SourceText) -> (root: Node?, diagnostics: [Diagnostic]) {
        if let flaw = source.flaw() {
            let position = source.position(of: flaw.offset)
            return (nil, [Diagnostic(.error, file: source.file, at: position, flaw.message, hint: flaw.hint)])
        }
        return source.bytes.withUnsafeBufferPointer { bytes in
            guard let events = EventStream(bytes, end: source.position(of: source.bytes.count)) else {
                return (nil, [Diagnostic(.error, file: source.file, at: .unwritten, "out of memory")])
            }
            var composer = Composer(events, source: source)
            do throws(SyntaxError) {
                let root = try composer.document()
                return (root, composer.diagnostics)
            } catch {
                composer.report(error)
                return (nil, composer.diagnostics)
            }
        }
    }

    private mutating func document() throws(SyntaxError) -> Node {
        _ = try events.next()
        let first = try events.next()
        guard case .documentStart = first.kind else {
            throw SyntaxError(message: "the file is empty", position: Position(line: 1, column: 1, file: source.number))
        }
        let root = try node(try events.next(), depth: 0)
        _ = try events.next()
        let last = try events.next()
        guard case .streamEnd = last.kind else {
            throw SyntaxError(
                message: "a second document begins here",
                hint: "one file has one document",
                position: last.position
            )
        }
        return root
    }

    private mutating func node(_ event: Event, depth: Int) throws(SyntaxError) -> Node {
        guard depth < Self.depthLimit else {
            throw SyntaxError(message: "values nest deeper than \(Self.depthLimit)", position: event.position)
        }
        let before = count
        count += 1
        if let tag = event.tag { reportTag(tag, at: event.position) }
        let content: Node.Content
        switch event.kind {
        case .alias(let name): return try alias(name, at: event.position, depth: depth)
        case .scalar(let scalar): content = .scalar(scalar)
        case .sequenceStart: content = .sequence(try sequence(depth: depth))
        case .mappingStart: content = .mapping(try mapping(depth: depth))
        default: throw SyntaxError(message: "expected a value", position: event.position)
        }
        let node = Node(content: content, position: event.position)
        if let anchor = event.anchor { anchors[anchor] = Anchored(node: node, count: count - before) }
        return node
    }

    private mutating func sequence(depth: Int) throws(SyntaxError) -> [Node] {
        var elements: [Node] = []
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { return elements }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func mapping(depth: Int) throws(SyntaxError) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var places: [String: Position] = [:]
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind { return entries }
            let key = try key(event)
            let value = try node(try events.next(), depth: depth + 1)
            if key == Self.mergeKey {
                report("'<<' is not a key of YAML 1.2", at: event.position, hint: "write the keys out")
            }
            if let first = places.updateValue(event.position, forKey: key) {
                places[key] = first
                report("'\(key.excerpt)' is written twice; first in line \(first.line)", at: event.position)
            } else {
                entries.append(Node.Entry(key: Located(key, at: event.position), value: value))
            }
        }
    }

    private mutating func key(_ event: Event) throws(SyntaxError) -> String {
        guard case .scalar(let scalar) = event.kind else {
            throw SyntaxError(message: "a key must be a plain text", position: event.position)
        }
        if let tag = event.tag { reportTag(tag, at: event.position) }
        return scalar.text
    }

    private mutating func alias(_ name: String, at position: Position, depth: Int) throws(SyntaxError) -> Node {
        guard let anchored = anchors[name] else {
            let hint = suggestion(for: name, among: Array(anchors.keys)).map { "did you mean '*\($0)'?" }
            throw SyntaxError(message: "no '&\(name)' stands before this alias", hint: hint, position: position)
        }
        aliased += anchored.count
        count += anchored.count - 1
        guard aliased <= Self.aliasLimit else {
            throw SyntaxError(message: "aliases stand for more than \(Self.aliasLimit) values", position: position)
        }
        return Node(content: anchored.node.content, position: position)
    }

    private mutating func reportTag(_ tag: String, at position: Position) {
        report(
            "a tag ('\(tag.excerpt)') has no meaning here",
            at: position,
            hint: "the key decides the type of its value"
        )
    }

    private mutating func report(_ error: SyntaxError) {
        if source.character(at: error.position) == "\t" {
            report("a tab where YAML indents", at: error.position, hint: "use spaces")
        } else {
            report(error.message, at: error.position, hint: error.hint)
        }
    }

    private mutating func report(_ message: String, at position: Position, hint: String? = nil) {
        diagnostics.append(Diagnostic(.error, file: source.file, at: position, message, hint: hint))
    }
}
