extension Configuration {
    /// What became of reading a file.
    public struct Loaded: Sendable {
        /// The configuration; `nil` where there are errors.
        public let configuration: Configuration?

        /// Errors, warnings and notes in the order of the file.
        public let diagnostics: [Diagnostic]

        /// The texts that they quote: the file's, then those of the files that it includes.
        public let sources: [SourceText]

        /// The gateway's folder, as far as the file can be read: with errors too, the one by which it is found.
        public let state: String

        /// All diagnostics as they are printed.
        public func rendered(colour: Bool = false) -> String {
            diagnostics.rendered(in: sources, colour: colour)
        }
    }

    /// The most diagnostics that are given for one file.
    static let diagnosticLimit = 1000

    /// Reads a file of this machine and checks it, against the machine's files too.
    ///
    /// - Parameters:
    ///   - path: the file; its folder is what its paths are relative to.
    ///   - files: what the checks ask of the machine.
    ///   - environment: the value of a variable.
    /// - Returns: the configuration, or errors; a file that cannot be read is one.
    public static func load(
        _ path: String,
        files: FileSystem = .host(),
        environment: @escaping @Sendable (String) -> String? = Surroundings.processVariable
    ) -> Loaded {
        let surroundings = Surroundings(
            environment: environment,
            directory: Schema.directory(of: path),
            files: files
        )
        switch files.read(path, SourceText.limit) {
        case .success(let bytes):
            return parse(bytes: bytes, file: path, surroundings)
        case .failure(let failure):
            let diagnostic = Diagnostic(.error, file: path, at: .unwritten, "the file \(failure.reason)")
            return Loaded(
                configuration: nil,
                diagnostics: [diagnostic],
                sources: [SourceText(file: path, bytes: [])],
                state: surroundings.resolve(Configuration().state.value)
            )
        }
    }

    /// Reads a text and checks it.
    ///
    /// - Parameters:
    ///   - text: what a file would say.
    ///   - file: the name for diagnostics.
    ///   - surroundings: environment, folder, and the files to check against, if any.
    /// - Returns: the configuration, or errors.
    public static func parse(text: String, file: String = "routes.yaml", _ surroundings: Surroundings) -> Loaded {
        parse(bytes: Array(text.utf8), file: file, surroundings)
    }

    /// Reads the bytes of a file and checks them.
    ///
    /// - Parameters:
    ///   - bytes: the file, UTF-8.
    ///   - file: the name for diagnostics.
    ///   - surroundings: environment, folder, and the files to check against, if any.
    /// - Returns: the configuration, or errors.
    public static func parse(bytes: [UInt8], file: String, _ surroundings: Surroundings) -> Loaded {
        let source = SourceText(file: file, bytes: bytes)
        let state = surroundings.resolve(Configuration().state.value)
        guard bytes.count <= SourceText.limit else {
            let message = "the file is longer than \(Size.written(SourceText.limit))"
            let diagnostic = Diagnostic(.error, file: file, at: .unwritten, message)
            return Loaded(configuration: nil, diagnostics: [diagnostic], sources: [source], state: state)
        }
        let (root, problems) = Composer.compose(source)
        var reader = Reader(source, root: root, diagnostics: problems, surroundings)
        guard let root, var configuration = Schema.root.read(root, &reader) else {
            let all = bounded(reader.diagnostics)
            return Loaded(configuration: nil, diagnostics: all, sources: reader.sources, state: state)
        }
        configuration.file = file
        configuration.includedFiles = reader.sources.dropFirst().map(\.file)
        configuration.checkMeaning(&reader)
        if let files = surroundings.files { configuration.checkFiles(files, &reader) }
        let diagnostics = bounded(reader.diagnostics)
        return Loaded(
            configuration: reader.diagnostics.hasErrors ? nil : configuration,
            diagnostics: diagnostics,
            sources: reader.sources,
            state: configuration.state.value
        )
    }

    /// The diagnostics in order, and not more than anybody reads: they quote lines, which may be long.
    private static func bounded(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        // What an anchor names is read once for each alias, and may say the same each time.
        var sorted: [Diagnostic] = []
        for diagnostic in diagnostics.sortedByPlace() where diagnostic != sorted.last { sorted.append(diagnostic) }
        guard sorted.count > diagnosticLimit, let last = sorted.last else { return sorted }
        let message = "\(sorted.count - diagnosticLimit) more are not shown"
        return sorted.prefix(diagnosticLimit) + [Diagnostic(.note, file: last.file, at: .unwritten, message)]
    }
}
