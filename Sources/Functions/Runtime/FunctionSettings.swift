/// What a function is, and how much it may take: all that the runtime knows of it.
public struct FunctionSettings: Equatable, Sendable {
    /// What runs.
    public enum Program: Equatable, Sendable {
        /// A function in a Python file, by absolute paths.
        case python(interpreter: String, file: String, function: String)
        /// A function in a JavaScript file, by absolute paths.
        case node(interpreter: String, file: String, function: String)
        /// Any program, by absolute path: one event a line in, one result a line out.
        case jsonLines(program: String, arguments: [String])
        /// Any program, by absolute path: one process for each event, given on standard input.
        case exec(program: String, arguments: [String])
    }

    public var name: String
    public var program: Program

    /// The working directory, absolute; the first place where modules are looked for.
    public var directory: String

    /// `NAME=value`, whole: ``FunctionEnvironment`` makes it.
    public var environment: [String] = []

    /// Nanoseconds that one event may take.
    public var timeout: Int64 = 3_000_000_000

    /// Nanoseconds until an instance must be ready.
    public var initTimeout: Int64 = 10_000_000_000

    /// Bytes of address space, or of heap where the program is Node; `nil`: no limit.
    public var memory: Int?

    /// The longest answer, in bytes.
    public var responseLimit = 6 << 20

    /// Instances that are always there.
    public var minimum = 0

    /// Instances that may be there.
    public var maximum = 8

    /// Nanoseconds after which an idle instance above ``minimum`` ends.
    public var idle: Int64 = 60_000_000_000

    /// Events that may wait for an instance, besides those that have one starting for them.
    public var queueLength = 32

    /// Nanoseconds that an event may wait.
    public var queueWait: Int64 = 1_000_000_000

    /// A function with the default limits.
    public init(name: String, program: Program, directory: String) {
        self.name = name
        self.program = program
        self.directory = directory
    }
}

extension FunctionSettings {
    /// How events and answers travel.
    enum Wire { case frames, lines, once }

    var wire: Wire {
        switch program {
        case .python, .node: .frames
        case .jsonLines: .lines
        case .exec: .once
        }
    }

    /// Whether commands answer: their results are the handler's own JSON.
    public var answersJSON: Bool { wire != .frames }

    /// The file or program, for messages.
    var path: String {
        switch program {
        case .python(_, let file, _), .node(_, let file, _): file
        case .jsonLines(let program, _), .exec(let program, _): program
        }
    }

    /// `file.function`, as Lambda names a handler.
    var handlerName: String {
        switch program {
        case .python(_, let file, let function), .node(_, let file, let function):
            let name = file.split(separator: "/").last ?? "handler"
            let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name
            return "\(stem).\(function)"
        case .jsonLines(let program, _), .exec(let program, _): return program
        }
    }

    /// Whether an instance whose memory is limited is limited by its address space; Node needs more of that than it
    /// uses (functions.md, section 4).
    var addressSpace: Int {
        if case .node = program { return 0 }
        return memory ?? 0
    }
}
