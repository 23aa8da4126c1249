import Glibc
import PenstockConfiguration
import PenstockFunctions
import PenstockGateway
import Synchronization

/// The gateway, with functions of the program's own.
///
/// ```swift
/// import Penstock
///
/// try Gateway.run(
///     configuration: "routes.yaml",
///     functions: [
///         "greet": .init { event in .init(statusCode: 200, body: "Hello, \(event.body ?? "")") }
///     ]
/// )
/// ```
/// with `functions: { greet: { swift: greet } }` in routes.yaml. Everything else of that file works as it does in
/// `penstock serve`: upstreams, files, functions in Python and Node.
public enum Gateway {
    private static let isRunning = Atomic<Bool>(false)

    /// Serves until SIGTERM or SIGINT, and returns when it has drained; reads the file again at SIGHUP
    /// and when `penstock reload` asks for it.
    ///
    /// Blocks the thread that calls it; the three signals are its own until it returns, and SIGPIPE is ignored. What is
    /// wrong with the configuration is printed on standard error, with line and column, and ends the process with exit
    /// code 2: an unknown key, an address in use, a function that only the file or only the program has. A second
    /// signal while it drains ends it with 1.
    ///
    /// - Parameters:
    ///   - configuration: the path of routes.yaml; paths in the file are relative to its folder.
    ///   - functions: closures, by the names that the file gives them after `swift:`.
    /// - Throws: ``AlreadyRunning``, where another thread of the process is in this function.
    public static func run(
        configuration: String = "routes.yaml",
        functions: [String: SwiftFunction] = [:]
    ) throws(AlreadyRunning) {
        guard !isRunning.exchange(true, ordering: .acquiringAndReleasing) else { throw AlreadyRunning() }
        defer { isRunning.store(false, ordering: .releasing) }
        let source = ConfigurationSource(file: configuration, functions: functions)
        guard let first = source.read().configuration else { exit(2) }
        let code: Int32
        do throws(GatewayError) {
            let gateway = try PenstockGateway.Gateway(first, functions: functions)
            code = try gateway.run(reload: source.read) { ConfigurationSource.write($0.announcement) }
        } catch {
            ConfigurationSource.write("error: \(error)")
            exit(2)
        }
        if code != 0 { exit(code) }
    }

    /// A process has one gateway at a time.
    public struct AlreadyRunning: Error, CustomStringConvertible {
        /// What is wrong, in words.
        public var description: String { "this process runs a gateway already" }
    }
}
