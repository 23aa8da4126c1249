import ArgumentParser
import Glibc
import PenstockConfiguration

/// The command line: `penstock serve`, `reload`, `check`, `explain`, `invoke`, `schema`, `version`.
@main
struct PenstockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "penstock",
        abstract: "An API gateway and reverse proxy that runs functions: one binary, one YAML file.",
        discussion: """
            Examples:
              penstock serve                              serve routes.yaml until Ctrl-C
              penstock reload                             have it read the file again, and wait
              penstock check                              say what is wrong in routes.yaml
              penstock explain GET '/hello?name=Ada'      which route takes it, and why
              penstock invoke hello --event event.json    run one function, without a server
            """,
        version: Version.text,
        subcommands: [Serve.self, Reload.self, Check.self, Explain.self, Invoke.self, Schema.self, Version.self]
    )

    /// Runs the command that was asked for; a wrong word on the command line is exit code 2, as for the configuration.
    static func main() {
        openStandardStreams()
        do {
            try checkSubcommand(CommandLine.arguments.dropFirst().first)
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if !message.isEmpty { Terminal.write(message, toStandardError: !code.isSuccess) }
            Glibc.exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }

    /// Where one is closed, what is opened next would get its number, and with it all that is printed.
    private static func openStandardStreams() {
        for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
    }

    /// Says which command was probably meant, where the first word is none.
    private static func checkSubcommand(_ word: String?) throws {
        let names = configuration.subcommands.map { $0._commandName } + ["help"]
        guard let word, !word.hasPrefix("-"), !names.contains(word) else { return }
        guard let near = suggestion(for: word, among: names) else { return }
        throw ValidationError("There is no command '\(word)'; did you mean '\(near)'?")
    }
}

extension ExitCode {
    /// Usage or configuration: the person who called has something to change.
    static let usage = ExitCode(2)
}
