import ArgumentParser
import PenstockConfiguration
import PenstockGateway

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which route takes a request, with which values, and why the others lost.",
        discussion: """
            Example:
              penstock explain GET 'http://shop.example.com/users/7?x=1' --header 'x-beta: yes'
            """
    )

    @Argument(help: "The method.")
    var method: String

    @Argument(help: "The URL, or its path alone.")
    var url: String

    @Option(name: [.short, .long], help: "The configuration.", completion: .file(extensions: ["yaml", "yml"]))
    var file = "routes.yaml"

    @Option(name: [.customShort("H"), .long], help: "A field of the request, 'name: value'; may be repeated.")
    var header: [String] = []

    @Option(help: "The listener it comes in on; by default the first.")
    var listener: String?

    @Option(help: "The client's address, for routes that ask for it.")
    var client = "127.0.0.1"

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        var source = ConfigurationFile()
        source.file = file
        guard let configuration = source.load() else { throw ExitCode.usage }
        var report: RouteReport
        do throws(RouteReport.Failure) {
            report = try RouteReport(
                configuration: configuration,
                method: method,
                url: url,
                fields: header,
                listener: listener,
                client: client
            )
        } catch {
            Terminal.write("penstock: error: \(error)", toStandardError: true)
            if case .usage = error { throw ExitCode.usage }
            throw ExitCode.failure
        }
        let gateway = ControlClient(state: configuration.state.value)
        report.upstreams = report.upstreamNames.compactMap { gateway.upstream($0) }
        Terminal.write(json ? report.json : report.text)
        if !report.isServed { throw ExitCode.failure }
    }
}
