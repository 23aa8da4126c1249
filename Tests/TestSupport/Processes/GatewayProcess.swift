internal import Glibc

/// The built gateway, serving a configuration of a test in a folder of its own.
///
/// It listens on ports that the kernel chooses; what it announces says which. Ended with SIGKILL when the test is over.
public final class GatewayProcess: Sendable {
    /// Where its routes.yaml is, and whatever a test puts beside it.
    public let folder: TemporaryFolder

    /// The process.
    public let process: ChildProcess

    /// The binary under test: `PENSTOCK_BINARY`, else the newest that was built.
    public static let binary: String = {
        if let path = getenv("PENSTOCK_BINARY") { return absolute(String(cString: path)) }
        let built = [".build/release/penstock", ".build/debug/penstock"].map(absolute)
        return built.first { access($0, X_OK) == 0 } ?? built[1]
    }()

    /// A Python with what Tests/requirements.txt names: `PENSTOCK_PYTHON`, else that of `.venv`, else the system's.
    public static let python: String = {
        if let path = getenv("PENSTOCK_PYTHON") { return absolute(String(cString: path)) }
        let own = absolute(".venv/bin/python")
        return access(own, X_OK) == 0 ? own : "/usr/bin/python3"
    }()

    /// The repository's folder.
    public static let repository: String = {
        var path = #filePath.split(separator: "/")
        path.removeLast(4)
        return "/" + path.joined(separator: "/")
    }()

    private static func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(repository)/\(path)" }

    /// What most tests begin with: one listener, an admin listener, no access log.
    ///
    /// Keys that `yaml` has itself are left out. `io` is what `PENSTOCK_TEST_IO` says, where that is set.
    private static func completed(_ yaml: String) -> String {
        let io = getenv("PENSTOCK_TEST_IO").map { [("io", String(cString: $0))] } ?? []
        let defaults =
            io + [
                ("version", "1"), ("state", "state"), ("access_log", "false"),
                ("listeners", "[{ name: public, address: \"\(Loopback.listener)\" }]"),
            ]
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        let missing = defaults.filter { key, _ in !lines.contains { $0.hasPrefix("\(key):") } }
        return missing.map { "\($0): \($1)\n" }.joined() + yaml
    }

    /// Starts the gateway, and waits until it has announced itself.
    ///
    /// - Parameters:
    ///   - yaml: the configuration; `version`, `state`, `access_log` and a listener are added where they are missing.
    ///   - folder: where to run; a new one where there is none.
    ///   - descriptors: the hard limit of open files; none where there is none.
    ///   - environment: added to the test's own.
    /// - Throws: ``SupportError`` with its output where it did not start.
    public init(
        _ yaml: String,
        folder: TemporaryFolder? = nil,
        descriptors: Int? = nil,
        environment: [String: String] = [:]
    ) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        try folder.write("routes.yaml", Self.completed(yaml))
        let limit = descriptors.map { ["prlimit", "--nofile=\($0):\($0)"] } ?? []
        process = try ChildProcess(
            limit + [Self.binary, "serve", "routes.yaml"],
            in: folder.path,
            name: "gateway",
            environment: environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { own, _ in own }
        )
        try Deadline.wait(for: "the gateway to listen\n\(process.errors)") {
            if let status = process.exitStatus {
                throw SupportError("the gateway ended with \(status)\n\(process.errors)")
            }
            return process.errors.contains("penstock ") && process.errors.contains(" serving ")
                && !addresses.isEmpty
        }
    }

    /// What it has written to standard error.
    public var log: String { process.errors }

    /// The lines of its access log, which goes to standard output.
    public var accessLog: [String] { process.output.split(separator: "\n").map(String.init) }

    /// The addresses that were announced, by listener; that of the admin listener is `admin`.
    public var addresses: [String: [TestAddress]] {
        var result: [String: [TestAddress]] = [:]
        for line in log.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard line.hasPrefix("  "), words.count >= 2, words[0] == "listener" || words[0] == "admin" else {
                continue
            }
            let name = words[0] == "admin" ? "admin" : String(words[1])
            let found = words.dropFirst(words[0] == "admin" ? 1 : 2).map { String($0.filter { $0 != "," }) }
            result[name] = found.compactMap { TestAddress(announced: $0, in: folder.path) }
        }
        return result
    }

    /// Where its first listener called `name` listens.
    public func address(_ name: String = "public") throws -> TestAddress {
        guard let address = addresses[name]?.first else { throw SupportError("no listener '\(name)' in\n\(log)") }
        return address
    }

    /// The TCP port of the listener called `name`.
    public func port(_ name: String = "public") throws -> UInt16 {
        guard let port = try address(name).port else { throw SupportError("'\(name)' has no port") }
        return port
    }

    /// A new connection to a listener.
    public func connect(_ name: String = "public", receiveBuffer: Int32? = nil) throws -> RawClient {
        try RawClient(address(name), receiveBuffer: receiveBuffer)
    }

    /// One request on a connection of its own; what comes back.
    ///
    /// - Parameters:
    ///   - request: request line and fields with a line feed behind each, an empty line, and the body. A Host is added.
    ///   - listener: where it goes.
    /// - Returns: the response.
    /// - Throws: ``SupportError`` where none came.
    public func answer(_ request: String, listener: String = "public") throws -> RawResponse {
        let client = try connect(listener)
        // The admin listener answers only to an address.
        let host = listener == "admin" && !request.contains("\nHost:") ? "\nHost: 127.0.0.1" : ""
        try client.send(RawClient.wire(request + host))
        return try client.response(to: String(request.prefix { $0 != " " }))
    }

    /// Writes another routes.yaml, sends SIGHUP and waits until the gateway has said how that went.
    ///
    /// - Parameter yaml: the configuration, completed as for the first one; `nil` leaves the file as it is.
    /// - Returns: whether the file was taken into use.
    /// - Throws: ``SupportError`` when it said nothing.
    @discardableResult
    public func reload(_ yaml: String? = nil) throws -> Bool {
        let before = reloads
        if let yaml { try folder.write("routes.yaml", Self.completed(yaml)) }
        process.signal(SIGHUP)
        try Deadline.wait(for: "the reload\n\(log)") { reloads.total > before.total }
        return reloads.good > before.good
    }

    private var reloads: (good: Int, total: Int) {
        let lines = log.split(separator: "\n")
        let good = lines.count { $0.contains("configuration reloaded") }
        return (good, good + lines.count { $0.contains("configuration not reloaded") })
    }

    /// Waits until the log has a line with `text`.
    public func waitForLog(_ text: String) throws {
        try Deadline.wait(for: "'\(text)' in the log:\n\(log)") { log.contains(text) }
    }

    /// Waits until the access log has `count` lines, and answers them.
    public func waitForAccessLog(_ count: Int) throws -> [String] {
        try Deadline.wait(for: "\(count) lines in the access log, not \(accessLog)") { accessLog.count >= count }
        return accessLog
    }
}

/// Runs `body` with a gateway, and ends it whatever happens; a gateway that did not live to see the end is an error.
///
/// - Parameters:
///   - yaml: see ``GatewayProcess/init(_:folder:descriptors:)``.
///   - folder: where it runs.
///   - descriptors: the limit of open files.
///   - environment: added to the test's own.
///   - body: what the test does.
/// - Returns: what `body` answers.
/// - Throws: what `body` throws, and ``SupportError``.
public func withGateway<Result>(
    _ yaml: String,
    folder: TemporaryFolder? = nil,
    descriptors: Int? = nil,
    environment: [String: String] = [:],
    _ body: (GatewayProcess) throws -> Result
) throws -> Result {
    let gateway = try GatewayProcess(
        yaml,
        folder: folder,
        descriptors: descriptors,
        environment: environment
    )
    defer { gateway.process.end() }
    let result: Result
    do {
        result = try body(gateway)
    } catch {
        throw SupportError(
            "\(error)\n--- the gateway's log (exit \(String(describing: gateway.process.exitStatus)))\n\(gateway.log)"
        )
    }
    if let status = gateway.process.exitStatus, status > 128, status != 128 + SIGKILL {
        throw SupportError("the gateway crashed with signal \(status - 128)\n\(gateway.log)")
    }
    return result
}
