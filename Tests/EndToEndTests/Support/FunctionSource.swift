import TestSupport

/// How a function of these tests is run.
enum FunctionRuntime: String, CaseIterable, Sendable {
    case python, node, lines, exec

    /// Its program is read from this file of the function's folder.
    var file: String { self == .node ? "app.js" : "app.py" }

    fileprivate var settings: String {
        switch self {
        case .python: "handler: \"app.py:handler\", interpreter: /usr/bin/python3"
        case .node: "handler: \"app.js:handler\""
        case .lines: "command: [/usr/bin/python3, app.py], protocol: json_lines"
        case .exec: "command: [/usr/bin/python3, app.py], protocol: exec"
        }
    }

    /// A program that answers `/pid` with its process id, and does what `code` says for every other path.
    ///
    /// In `code`, `event` is the event; Python and Node return, `json_lines` and `exec` print.
    fileprivate func program(_ code: String) -> String {
        switch self {
        case .python:
            """
            import json, os, subprocess, sys, time
            FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
            def handler(event, context):
                if event["rawPath"] == "/pid": return str(os.getpid())
            \(Self.indented(code))
            """
        case .node:
            """
            const { execSync, spawn } = require('child_process'), fs = require('fs'), FOLDER = __dirname + '/..'
            exports.handler = async (event, context) => {
              if (event.rawPath === '/pid') return String(process.pid)
            \(Self.indented(code))
            }
            """
        case .lines:
            """
            import json, os, subprocess, sys, time
            FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
            while True:
                line = sys.stdin.readline()
                if not line: break
                event = json.loads(line)
                if event["rawPath"] == "/pid":
                    print(json.dumps(str(os.getpid())), flush=True)
                    continue
            \(Self.indented(code))
                sys.stdout.flush()
            """
        case .exec:
            """
            import json, os, subprocess, sys, time
            event = json.load(sys.stdin)
            \(code)
            """
        }
    }

    private static func indented(_ code: String) -> String {
        code.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
    }
}

/// A function of a test: a folder of its own with one program.
struct FunctionSource: Sendable {
    let name: String
    let runtime: FunctionRuntime
    let program: String
    let settings: String

    /// A function that answers `/pid` with its process id.
    ///
    /// - Parameters:
    ///   - runtime: how it is run.
    ///   - code: what it does for every other path, with `event` and, where there is one, `context`.
    ///   - name: its name, and that of its folder.
    ///   - settings: more of its keys in routes.yaml.
    init(_ runtime: FunctionRuntime, _ code: String, name: String = "function", settings: String = "") {
        self.init(runtime, program: runtime.program(code), name: name, settings: settings)
    }

    /// A function with exactly this program.
    init(_ runtime: FunctionRuntime, program: String, name: String = "function", settings: String = "") {
        self.name = name
        self.runtime = runtime
        self.program = program
        self.settings = settings
    }

    /// Its entry in routes.yaml; whatever is not said there may take long, on a machine that is busy with other tests.
    var entry: String {
        let patience = [("init_timeout", "60s"), ("timeout", "60s"), ("queue", "{ wait: 60s }")]
        let missing = patience.filter { key, _ in !", \(settings)".contains(", \(key):") }.map { "\($0): \($1)" }
        let all = ["directory: \(name)", located] + missing + (settings.isEmpty ? [] : [settings])
        return "  \(name): { \(all.joined(separator: ", ")) }\n"
    }

    /// A handler's file is named from routes.yaml, a command's from the folder that it runs in.
    private var located: String {
        runtime.settings.split(separator: "handler: \"", omittingEmptySubsequences: false)
            .joined(separator: "handler: \"\(name)/")
    }

    /// Writes its program into `folder`, at once: an instance that starts meanwhile loads the old one or the new one.
    func write(to folder: TemporaryFolder) throws { try folder.replace("\(name)/\(runtime.file)", program) }
}

/// A configuration with these functions: one alone takes every path, several the paths below their names.
func serving(_ functions: [FunctionSource], more: String = "") -> String {
    let routes = functions.map { function in
        let path = functions.count == 1 ? "/{rest*}" : "/\(function.name)/{rest*}"
        let rewrite = functions.count == 1 ? "" : ", rewrite: { path: \"/{rest}\" }"
        return "  - { name: \(function.name), path: \"\(path)\", function: \(function.name)\(rewrite) }\n"
    }
    return """
        \(more)
        functions:
        \(functions.map(\.entry).joined())
        routes:
        \(routes.joined())
        """
}

/// Runs `body` with a gateway that serves these functions.
///
/// - Parameters:
///   - functions: as for ``serving(_:more:)``.
///   - more: other keys of the configuration.
///   - body: what the test does.
/// - Returns: what `body` answers.
/// - Throws: what `body` throws.
func withFunctions<Result>(
    _ functions: FunctionSource...,
    more: String = "",
    _ body: (GatewayProcess) throws -> Result
) throws -> Result {
    let folder = try TemporaryFolder()
    for function in functions { try function.write(to: folder) }
    return try withGateway(serving(functions, more: more), folder: folder, body)
}

extension GatewayProcess {
    /// Asks with GET, on a connection of its own; what the answer's body says.
    func text(_ path: String) throws -> String {
        let answer = try answer("GET \(path)")
        guard answer.status == 200 else { throw SupportError("GET \(path): \(answer.line)\n\(answer.text)") }
        return answer.text
    }

    /// The process id of the instance that answers.
    func instance(_ path: String = "/pid") throws -> Int32 {
        guard let pid = Int32(try text(path)) else { throw SupportError("\(path) names no process") }
        return pid
    }

    /// The lines that the log has of a function for the request with this id; for none with `-`.
    func lines(of function: String = "function", request: String) -> [String] {
        log.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard words.count == 3, words[1].hasPrefix("\(function)["), words[2].hasPrefix("\(request): ") else {
                return nil
            }
            return String(words[2].dropFirst(request.count + 2))
        }
    }

    /// The line that the access log has of the request with this id.
    func accessLine(of id: String) throws -> String {
        try Deadline.wait(for: "a line with \(id)") { accessLog.contains { $0.contains(" id=\(id)") } }
        return accessLog.first { $0.contains(" id=\(id)") } ?? ""
    }

    /// A sample of /metrics, by its name and labels as they are written there.
    ///
    /// - Throws: ``SupportError`` where there is none.
    func metric(_ sample: String) throws -> Double {
        let metrics = try answer("GET /metrics", listener: "admin").text
        for line in metrics.split(separator: "\n") where line.hasPrefix("\(sample) ") {
            return Double(line.dropFirst(sample.count + 1)) ?? .nan
        }
        throw SupportError("no \(sample) in\n\(metrics)")
    }

    /// How many instances of a function are in a state: starting, idle, busy.
    func instances(of function: String = "function", _ state: String) throws -> Int {
        Int(try metric("penstock_function_instances{function=\"\(function)\",state=\"\(state)\"}"))
    }

    /// How many events wait for an instance of a function.
    func waiting(for function: String = "function") throws -> Int {
        Int(try metric("penstock_function_waiting{function=\"\(function)\"}"))
    }
}
