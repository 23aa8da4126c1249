internal import CYAML

/// One step of a YAML text.
struct Event {
    /// What libyaml saw.
    enum Kind {
        case streamStart, streamEnd
        case documentStart, documentEnd
        case alias(String)
        case scalar(Node.Scalar)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }

    let kind: Kind
    let position: Position

    /// The name given with `&`.
    let anchor: String?

    /// The type given with `!`.
    let tag: String?
}

/// What is wrong with a YAML text, and where.
struct SyntaxError: Error {
    let message: String
    var hint: String?
    let position: Position
}

/// libyaml's event parser, pulled one event at a time.
///
/// Only libyaml's scanner and parser are used: they keep their state on the heap, so nesting costs no stack here, and
/// every event carries its place, which libyaml's own documents and Yams' nodes lose for duplicate keys and aliases.
struct EventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// The place behind the last character, in its file: libyaml's own end is always the beginning of a line, even of none.
    private let end: Position

    /// Begins to read `bytes`, which must outlive the stream, and end at `end`.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, end: Position) {
        self.end = end
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Reads the next event.
    ///
    /// - Returns: the event; after `streamEnd` there is none to ask for.
    /// - Throws: ``SyntaxError``, after which there is none to ask for either.
    mutating func next() throws(SyntaxError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return Event(
            kind: kind(of: event),
            position: position(event.start_mark),
            anchor: anchor(of: event),
            tag: tag(of: event)
        )
    }

    private func kind(of event: yaml_event_t) -> Event.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: .streamStart
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_DOCUMENT_END_EVENT: .documentEnd
        case YAML_ALIAS_EVENT: .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT: .scalar(scalar(event))
        case YAML_SEQUENCE_START_EVENT: .sequenceStart
        case YAML_SEQUENCE_END_EVENT: .sequenceEnd
        case YAML_MAPPING_START_EVENT: .mappingStart
        case YAML_MAPPING_END_EVENT: .mappingEnd
        default: .streamEnd
        }
    }

    private func scalar(_ event: yaml_event_t) -> Node.Scalar {
        let scalar = event.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return Node.Scalar(
            text: String(decoding: bytes, as: UTF8.self),
            isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE
        )
    }

    private func anchor(of event: yaml_event_t) -> String? {
        switch event.type {
        case YAML_SCALAR_EVENT: text(event.data.scalar.anchor)
        case YAML_SEQUENCE_START_EVENT: text(event.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT: text(event.data.mapping_start.anchor)
        default: nil
        }
    }

    private func tag(of event: yaml_event_t) -> String? {
        switch event.type {
        case YAML_SCALAR_EVENT: text(event.data.scalar.tag)
        case YAML_SEQUENCE_START_EVENT: text(event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT: text(event.data.mapping_start.tag)
        default: nil
        }
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func position(_ mark: yaml_mark_t) -> Position {
        mark.line < end.line ? Position(line: mark.line + 1, column: mark.column + 1, file: end.file) : end
    }

    /// What libyaml says went wrong, in words that say what to do.
    private func failure() -> SyntaxError {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "not YAML"
        let context = state.context.map { String(cString: $0) }
        if problem == "found unexpected end of stream", context?.contains("quoted") == true {
            return SyntaxError(
                message: "the quoted text that begins here has no end",
                position: position(state.context_mark)
            )
        }
        var translated = Self.translations[problem]
        if problem.hasPrefix("did not find expected ','") {
            translated?.hint = "it begins in line \(state.context_mark.line + 1)"
        }
        return SyntaxError(
            message: translated?.message ?? [problem, context].compactMap { $0 }.joined(separator: " "),
            hint: translated?.hint,
            position: position(state.problem_mark)
        )
    }

    private static let translations: [String: (message: String, hint: String?)] = [
        "found character that cannot start any token": (
            "a value cannot begin with this character", "quote a text that does"
        ),
        "mapping values are not allowed in this context": (
            "a ':' inside a value", "quote the text, or put the key on a line of its own"
        ),
        "did not find expected key": ("expected a key here", "check the indentation and the quotes above"),
        "could not find expected ':'": ("expected ':' after the key above", nil),
        "did not find expected '-' indicator": ("expected '-' here, as in the list above", "check the indentation"),
        "did not find expected ',' or ']'": ("expected ',' or ']' in a list", nil),
        "did not find expected ',' or '}'": ("expected ',' or '}' in a mapping", nil),
    ]
}
