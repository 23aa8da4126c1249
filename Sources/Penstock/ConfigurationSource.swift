import Glibc
import PenstockConfiguration
import PenstockFunctions
import PenstockGateway

/// Where the configuration is read from, now and at each SIGHUP, and what it is checked against.
struct ConfigurationSource {
    let file: String
    let functions: [String: SwiftFunction]

    /// Reads and checks the file; says what is wrong with it on standard error.
    ///
    /// - Returns: the configuration, and what is wrong with it.
    func read() -> Configuration.Loaded {
        let loaded = Configuration.load(file, files: .host(resolveInterpreter: Interpreter.resolve))
            .servedWith(swiftFunctions: Array(functions.keys))
        let shown = loaded.diagnostics.filter { $0.severity != .note }
        if !shown.isEmpty { Self.write(shown.rendered(in: loaded.sources, colour: Self.hasColour), end: "") }
        return loaded
    }

    /// Writes to standard error.
    static func write(_ text: String, end: String = "\n") {
        var rest = Array((text + end).utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether standard error may have colour: a terminal, and `NO_COLOR` is not set (no-color.org).
    private static var hasColour: Bool { isatty(2) == 1 && getenv("NO_COLOR") == nil }
}
