import ArgumentParser
import Glibc
import PenstockConfiguration
import PenstockGateway

/// The argument that every command which reads the configuration has.
struct ConfigurationFile: ParsableArguments {
    @Argument(help: "The configuration.", completion: .file(extensions: ["yaml", "yml"]))
    var file = "routes.yaml"

    /// What the file is read for.
    enum Use {
        /// What is fine is said too, such as the interpreter that was found.
        case check
        /// Swift functions are errors, because this program has none.
        case serve
        case look
    }

    /// Reads and checks the file; says what is wrong with it on standard error.
    ///
    /// - Parameter use: what for.
    /// - Returns: the configuration, `nil` where it has errors.
    func load(use: Use = .look) -> Configuration? { read(use: use).configuration }

    /// Does what ``load(use:)`` does, and answers with everything that was found.
    func read(use: Use) -> Configuration.Loaded {
        var loaded = Configuration.load(file, files: .host(resolveInterpreter: Interpreter.resolve))
        if use == .serve { loaded = loaded.servedWith(swiftFunctions: nil) }
        let shown = loaded.diagnostics.filter { use == .check || $0.severity != .note }
        if !shown.isEmpty {
            let text = shown.rendered(in: loaded.sources, colour: Terminal.hasColour)
            Terminal.write(text.trimmedEnd, toStandardError: true)
        }
        if isMissing { Terminal.write(Self.firstFile, toStandardError: true) }
        return loaded
    }

    private var isMissing: Bool { access(file, F_OK) != 0 && errno == ENOENT }

    /// What helps somebody who has no configuration yet.
    private static let firstFile = """
        name another file, or begin with this one:

          routes:
            - { path: /, respond: { status: 200, body: "It runs.\\n" } }
        """
}
