import ArgumentParser
import PenstockConfiguration
import PenstockGateway

struct Invoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one function once, without a server: its result on standard output, its log on standard error.",
        discussion: """
            Example:
              penstock invoke hello --event event.json
              echo '{"increment": 1}' | penstock invoke counter --event -
            """
    )

    @Argument(help: "The function's name.")
    var function: String

    @Option(name: [.short, .long], help: "The event: a file, or - for standard input; by default {}.")
    var event: String?

    @Option(name: [.short, .long], help: "The configuration.", completion: .file(extensions: ["yaml", "yml"]))
    var file = "routes.yaml"

    func run() throws {
        throw ExitCode.failure
    }
}
