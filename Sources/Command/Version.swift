import ArgumentParser
import PenstockGateway

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the version.",
        discussion: """
            Example:
              penstock version
            """
    )

    static let text = "penstock \(GatewayVersion.current)"

    func run() { Terminal.write(Self.text) }
}
