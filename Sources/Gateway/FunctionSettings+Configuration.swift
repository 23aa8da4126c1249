import Glibc
import PenstockConfiguration
import PenstockFunctions

extension FunctionSettings {
    /// What the runtime has to know of a configured function.
    ///
    /// - Parameters:
    ///   - function: one that runs in processes of its own.
    ///   - gateway: the gateway's environment, of which some names are passed on.
    /// - Throws: ``GatewayError`` where its files have gone since they were checked.
    init(_ function: Configuration.Function, gateway: [String: String]) throws(GatewayError) {
        let program: Program
        let directory: String
        switch function.code {
        case .handler(let handler):
            let file = try Self.absolute(handler.file.value, function)
            let interpreter = try Self.absolute(Self.interpreter(handler, function), function)
            program =
                switch handler.language {
                case .python: .python(interpreter: interpreter, file: file, function: handler.function)
                case .node: .node(interpreter: interpreter, file: file, function: handler.function)
                }
            directory = handler.directory.value
        case .command(let command):
            let words = command.arguments.map(\.value)
            guard let first = words.first, case .success(let found) = FileSystem.lookUp(first) else {
                throw GatewayError("function '\(function.name)': the program '\(words.first ?? "")' is not there")
            }
            let path = try Self.absolute(found, function)
            let arguments = Array(words.dropFirst())
            program =
                switch command.protocol.value {
                case .jsonLines: .jsonLines(program: path, arguments: arguments)
                case .exec: .exec(program: path, arguments: arguments)
                }
            directory = command.directory.value
        case .swift(let name): throw GatewayError("function '\(function.name)': '\(name)' is Swift code")
        }
        self.init(
            name: function.name.value,
            program: program,
            directory: try Self.absolute(directory.isEmpty ? "." : directory, function)
        )
        timeout = function.timeout.value.nanoseconds
        initTimeout = function.initTimeout.value.nanoseconds
        memory = function.memory?.value
        responseLimit = function.responseLimit.value
        minimum = function.instances.min.value
        maximum = function.instances.max.value
        idle = function.instances.idle.value.nanoseconds
        queueLength = function.queue.length.value
        queueWait = function.queue.wait.value.nanoseconds
        environment = FunctionEnvironment.build(
            for: self,
            own: function.environment.map { ($0.name.value, $0.value.reveal()) },
            passed: function.passEnvironment.map(\.value),
            gateway: gateway
        )
    }

    private static func interpreter(
        _ handler: Configuration.FunctionHandler,
        _ function: Configuration.Function
    ) throws(GatewayError) -> String {
        if let path = handler.interpreterPath { return path }
        switch Interpreter.resolve(handler.interpreter.value) {
        case .success(let path): return path
        case .failure(let failure):
            throw GatewayError("function '\(function.name)': interpreter '\(handler.interpreter)' \(failure.reason)")
        }
    }

    /// The path from the root, because instances run in another folder; links are left as they are.
    private static func absolute(_ path: String, _ function: Configuration.Function) throws(GatewayError) -> String {
        guard access(path, F_OK) == 0 else {
            throw GatewayError("function '\(function.name)': \(path): \(String(cString: strerror(errno)))")
        }
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { throw GatewayError("the working directory is gone") }
        defer { free(folder) }
        let parent = String(cString: folder)
        return path == "." ? parent : "\(parent)/\(path.hasPrefix("./") ? String(path.dropFirst(2)) : path)"
    }
}

/// The environment of this process.
enum ProcessEnvironment {
    /// Every variable with its value.
    static var all: [String: String] {
        var values: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                values[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return values
    }
}
