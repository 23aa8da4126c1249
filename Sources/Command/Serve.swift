import ArgumentParser
import PenstockConfiguration
import PenstockGateway

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a configuration until SIGTERM or Ctrl-C.",
        discussion: """
            Example:
              penstock serve routes.yaml

            SIGTERM and SIGINT drain: nothing new is accepted, what is under way is finished; \
            a second one ends it at once. SIGHUP reads the file again, as `penstock reload` does; \
            where it has errors, the old one goes on serving.
            """
    )

    @OptionGroup var source: ConfigurationFile

    func run() throws {
        guard let configuration = source.load(use: .serve) else { throw ExitCode.usage }
        let code: Int32
        do throws(GatewayError) {
            code = try Gateway(configuration).run(reload: { source.read(use: .serve) }, started: announce)
        } catch {
            Terminal.write("penstock: error: \(error)", toStandardError: true)
            throw ExitCode.usage
        }
        throw ExitCode(code)
    }

    private func announce(_ gateway: Gateway) { Terminal.write(gateway.announcement, toStandardError: true) }
}
