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
        var source = ConfigurationFile()
        source.file = file
        guard let configuration = source.load() else { throw ExitCode.usage }
        let outcome: DirectInvocation
        do throws(GatewayError) {
            outcome = try DirectInvocation.run(function, event: try readEvent(), in: configuration)
        } catch {
            Terminal.write("penstock: error: \(error)", toStandardError: true)
            throw ExitCode.usage
        }
        Terminal.write(summary(of: outcome), toStandardError: true)
        guard let result = outcome.result else {
            Terminal.write(String(decoding: outcome.error ?? [], as: UTF8.self), toStandardError: true)
            throw ExitCode.failure
        }
        Terminal.write(String(decoding: result, as: UTF8.self))
    }

    private func readEvent() throws(GatewayError) -> [UInt8] {
        guard let event else { return Array("{}".utf8) }
        let path = event == "-" ? "/dev/stdin" : event
        switch FileSystem.host().read(path, 64 << 20) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw GatewayError("the event: \(path) \(failure.reason)")
        }
    }

    private func summary(of outcome: DirectInvocation) -> String {
        let run = outcome.runNanoseconds >= 0 ? " run=\(milliseconds(outcome.runNanoseconds))" : ""
        let start = outcome.initNanoseconds >= 0 ? " init=\(milliseconds(outcome.initNanoseconds))" : ""
        return "\(function): \(outcome.result == nil ? "failed" : "ok")\(start)\(run) id=\(outcome.requestID)"
    }

    private func milliseconds(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000
        return "\(tenths / 10).\(tenths % 10)ms"
    }
}
