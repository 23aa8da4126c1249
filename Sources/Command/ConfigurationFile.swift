import ArgumentParser
import PenstockConfiguration
import PenstockGateway

/// The argument that every command which reads the configuration has.
struct ConfigurationFile: ParsableArguments {
    @Argument(help: "The configuration.", completion: .file(extensions: ["yaml", "yml"]))
    var file = "routes.yaml"

    /// Reads and checks the file; says what is wrong with it on standard error.
    ///
    /// - Parameter showsNotes: whether what is fine is said too, such as the interpreter that was found.
    /// - Returns: the configuration, `nil` where it has errors.
    func load(showsNotes: Bool = false) -> Configuration? {
        let loaded = Configuration.load(file, files: .host(resolveInterpreter: Interpreter.resolve))
        let shown = loaded.diagnostics.filter { showsNotes || $0.severity != .note }
        if !shown.isEmpty {
            let text = shown.rendered(in: loaded.source, colour: Terminal.hasColour)
            Terminal.write(String(text.reversed().drop { $0 == "\n" }.reversed()), toStandardError: true)
        }
        return loaded.configuration
    }
}
