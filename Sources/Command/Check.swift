import ArgumentParser
import PenstockConfiguration

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say everything that is wrong in a configuration: exit code 2 where something is.",
        discussion: """
            Example:
              penstock check routes.yaml
            """
    )

    @OptionGroup var source: ConfigurationFile

    func run() throws {
        guard let configuration = source.load(use: .check) else { throw ExitCode.usage }
        let counts = [
            count(configuration.routes.count, "route"),
            count(configuration.functions.count, "function"),
            count(configuration.upstreams.count, "upstream"),
        ]
        Terminal.write("\(source.file): ok: \(counts.joined(separator: ", "))")
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
