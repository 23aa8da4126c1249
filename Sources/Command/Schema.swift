import ArgumentParser
import PenstockConfiguration

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the JSON Schema of routes.yaml, from which an editor completes and checks.",
        discussion: """
            Example:
              penstock schema > routes.schema.json
              # and as the first line of routes.yaml:
              # yaml-language-server: $schema=routes.schema.json
            """
    )

    @Flag(help: "Print the reference for people instead, as Markdown.")
    var markdown = false

    func run() {
        Terminal.write(markdown ? Configuration.reference() : Configuration.jsonSchema())
    }
}
