import ArgumentParser
import PenstockConfiguration
import PenstockObservability

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

    @Flag(help: "Print the reference of the metrics instead, as Markdown.")
    var metrics = false

    func run() {
        if metrics { return Terminal.write(MetricFamily.reference()) }
        Terminal.write(markdown ? Configuration.reference() : Configuration.jsonSchema())
    }
}
