internal import PenstockBytes
internal import PenstockPatterns

/// What reading needs and gathers: the surroundings, and everything that is wrong so far.
struct Reader {
    /// The texts that were read, by their numbers: the file that was named, then those that it includes.
    private(set) var sources: [SourceText]

    /// Those of the file that was named.
    let surroundings: Surroundings

    /// Where the file's own mapping begins.
    let root: Position

    /// What holds for every function, upstream or route that does not say it.
    let defaults: Schema.Defaults

    /// Whether YAML's own rules were broken, and something was left out because of it.
    private(set) var isIncomplete = false

    /// Whether a file that is to be included could not be read: what is in it is not known.
    var lacksFiles = false

    /// In the order they were found.
    private(set) var diagnostics: [Diagnostic] = []

    /// How many of them are errors.
    private(set) var errorCount = 0

    /// Keys that could not be read, by the place of their mapping: a default stands for them that nobody wrote, and what
    /// follows from it says nothing of the file.
    private var unread: [Position: Set<String>] = [:]

    /// Names that the file gives, those of parts that have errors too: a route to such a part is not one error more.
    var names: [NameSpace: Set<String>] = [:]

    /// Begins to read a file.
    ///
    /// - Parameters:
    ///   - source: its text.
    ///   - root: what stands in it; `nil` where it is no YAML.
    ///   - diagnostics: what is wrong with it so far.
    ///   - surroundings: those of the file.
    init(_ source: SourceText, root: Node?, diagnostics: [Diagnostic], _ surroundings: Surroundings) {
        sources = [source]
        self.surroundings = surroundings
        self.root = root?.position ?? .unwritten
        defaults = root.map(Schema.Defaults.init(of:)) ?? Schema.Defaults()
        take(diagnostics)
    }

    /// Reads the text of an included file.
    ///
    /// - Parameter source: with the next number.
    /// - Returns: what stands in it; `nil` after an error.
    mutating func compose(_ source: SourceText) -> Node? {
        sources.append(source)
        let (root, diagnostics) = Composer.compose(source)
        take(diagnostics)
        if root == nil { lacksFiles = true }
        return root
    }

    private mutating func take(_ found: [Diagnostic]) {
        isIncomplete = isIncomplete || found.hasErrors
        errorCount += found.count { $0.severity == .error }
        diagnostics += found
    }

    /// A path of the file that a place is in, resolved against that file's folder.
    func resolve(_ path: String, at position: Position) -> String {
        guard position.file > 0 else { return surroundings.resolve(path) }
        var own = surroundings
        own.directory = Schema.directory(of: sources[position.file].file)
        return own.resolve(path)
    }

    /// A place for a sentence about another: `line 7`, in another file `line 7 of users.yaml`.
    func line(of position: Position, from other: Position) -> String {
        position.file == other.file
            ? "line \(position.line)" : "line \(position.line) of \(sources[position.file].file)"
    }

    /// What a route may name.
    enum NameSpace: Hashable {
        case function, upstream, listener
    }

    /// Says of a key that it is there, and was not read.
    mutating func leaveUnread(_ key: String, of mapping: Node) { leaveUnread(key, at: mapping.position) }

    /// Says of a key that it is there, and was not read, in the mapping at a place.
    mutating func leaveUnread(_ key: String, at position: Position) { unread[position, default: []].insert(key) }

    /// Whether none of `keys` was there and could not be read, in the mapping at a place.
    func hasRead(_ keys: String..., at position: Position) -> Bool {
        unread[position]?.isDisjoint(with: keys) ?? true
    }

    /// Whether everything was read in the mapping at a place, but for some keys at most.
    func hasReadAll(but keys: Set<String>, at position: Position) -> Bool {
        unread[position]?.isSubset(of: keys) ?? true
    }

    mutating func error(_ message: String, at position: Position, hint: String? = nil) {
        errorCount += 1
        add(.error, message, at: position, hint: hint)
    }

    mutating func warning(_ message: String, at position: Position, hint: String? = nil) {
        add(.warning, message, at: position, hint: hint)
    }

    mutating func note(_ message: String, at position: Position) {
        add(.note, message, at: position, hint: nil)
    }

    private mutating func add(_ severity: Diagnostic.Severity, _ message: String, at position: Position, hint: String?)
    {
        let file = sources[position.file].file
        diagnostics.append(Diagnostic(severity, file: file, at: position, message, hint: hint))
    }

    /// Says that something else was expected here.
    mutating func mismatch(_ node: Node, _ expectation: String) {
        error("expected \(expectation), found \(node.kind)", at: node.position)
    }

    /// The text of a scalar with its variables filled in.
    ///
    /// - Parameters:
    ///   - node: any node.
    ///   - expectation: what is said to be expected where the node is no scalar.
    /// - Returns: the text, or `nil` after an error.
    mutating func text(_ node: Node, _ expectation: String) -> Text? {
        guard case .scalar(let scalar) = node.content, !scalar.isNull else {
            mismatch(node, expectation)
            return nil
        }
        do throws(Interpolation.Failure) {
            let value =
                scalar.isKey
                ? scalar.text : try Interpolation.apply(to: scalar.text, environment: surroundings.environment)
            guard !value.utf8.contains(0) else {
                error("a text with a NUL byte", at: node.position)
                return nil
            }
            return Text(value: value, written: scalar.text, isPlain: scalar.isPlain, position: node.position)
        } catch {
            self.error(error.message, at: node.position, hint: error.hint)
            return nil
        }
    }

    /// Says what is wrong with a text, quoting it as it was written: what a variable stood for is never shown.
    mutating func refuse(_ text: Text, _ complaint: Complaint) {
        let message = "'\(text.written.excerpt)' \(complaint.message)"
        error(message, at: text.position, hint: text.isInterpolated ? nil : complaint.hint)
    }
}

/// A scalar after its variables have been filled in.
struct Text {
    let value: String

    /// As it stands in the file.
    let written: String

    let isPlain: Bool
    let position: Position

    /// Whether something was filled in, which may be a secret.
    var isInterpolated: Bool { value != written }

    /// Whether it is this word where any text is a value too: there quotes tell the text from the word.
    func isWord(_ word: String) -> Bool { value == word && (isPlain || isInterpolated) }
}

/// What is wrong with a text, in words that go on from it: `is not a duration`.
public struct Complaint: Error, Equatable {
    /// As it follows the text: `is not an endpoint: it has no scheme`.
    public let message: String

    /// What would be right: `write 'http://10.0.0.7:3000'`.
    public let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    init(_ error: PatternError) {
        self.init(error.message, hint: error.hint)
    }
}
