import ArgumentParser
import PenstockConfiguration
import PenstockGateway

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the running gateway read its configuration again, and wait until that serves.",
        discussion: """
            Example:
              penstock reload routes.yaml

            The gateway is found by the state folder that the file names, and reads the file that it was started \
            with. Exit code 0: the new configuration serves; 1: it was refused, and the old one serves on; 2: no \
            gateway runs there.
            """
    )

    @OptionGroup var source: ConfigurationFile

    func run() throws {
        let loaded = Configuration.load(source.file)
        let report: ReloadReport
        do throws(ControlClient.Failure) {
            report = try ControlClient(state: loaded.state).reload()
        } catch {
            say(error, loaded)
            throw error == .ended ? ExitCode.failure : ExitCode.usage
        }
        if !report.text.isEmpty { Terminal.write(report.text.trimmedEnd, toStandardError: true) }
        Terminal.write(report.summary, toStandardError: !report.isServing)
        if !report.isServing { throw ExitCode.failure }
    }

    private func say(_ failure: ControlClient.Failure, _ loaded: Configuration.Loaded) {
        let text: String
        switch failure {
        case .ended: text = "the gateway ended before it had reloaded"
        case .noGateway(let reason):
            // Where the file cannot be read, another folder may have been meant.
            let errors = loaded.diagnostics.filter { $0.severity == .error }.rendered(in: loaded.sources)
            if !errors.isEmpty { Terminal.write(errors.trimmedEnd, toStandardError: true) }
            text = "no gateway runs with the state folder \(loaded.state): \(reason)"
        }
        Terminal.write("penstock: error: \(text)", toStandardError: true)
    }
}
