extension Configuration {
    /// A function: where its code is, how it is run, how much it may take.
    public struct Function: Equatable, Sendable {
        /// Unique among functions.
        public var name: Located<String>

        /// Where its code is.
        public var code: Code

        /// The shape of the event it is given.
        public var event: Located<EventShape> = .unwritten(.apigatewayV2)

        /// How long one invocation may run, from 1 ms to 900 s.
        public var timeout: Located<Duration> = .unwritten(.seconds(3))

        /// How long a new instance may take until it is ready.
        public var initTimeout: Located<Duration> = .unwritten(.seconds(10))

        /// The most memory of an instance, in bytes; `nil`: as much as there is.
        public var memory: Located<Int>?

        /// The longest answer, in bytes.
        public var responseLimit: Located<Int> = .unwritten(6 << 20)

        /// How many instances there are.
        public var instances = Instances()

        /// How requests wait for an instance.
        public var queue = Queue()

        /// What the function finds in its environment, in the file's order; never printed.
        public var environment: [EnvironmentVariable] = []

        /// Names that are taken over from the gateway's own environment where it has them.
        public var passEnvironment: [Located<String>] = []
    }

    /// Where a function's code is.
    public enum Code: Equatable, Sendable {
        /// A function in a file that an interpreter loads.
        case handler(FunctionHandler)
        /// Any program.
        case command(FunctionCommand)
        /// A Swift closure of the program that embeds the gateway, by this name.
        case swift(Located<String>)
    }

    /// A function in a Python or JavaScript file.
    public struct FunctionHandler: Equatable, Sendable {
        /// The file, resolved against the configuration's folder.
        public var file: Located<String>

        /// The function in it, such as `lambda_handler`.
        public var function: String

        /// Which bootstrap loads it, decided by the file's name.
        public var language: Language

        /// The interpreter as named: looked up on PATH unless it has a slash.
        public var interpreter: Located<String>

        /// The interpreter that was found, once the files have been checked.
        public var interpreterPath: String?

        /// The working directory, and the first place that modules are looked for.
        public var directory: Located<String>
    }

    /// A language that the gateway has a bootstrap for.
    public enum Language: String, CaseIterable, Sendable {
        /// `.py`
        case python
        /// `.js`, `.mjs`, `.cjs`
        case node
    }

    /// A program that speaks one of the simple protocols.
    public struct FunctionCommand: Equatable, Sendable {
        /// The program and its arguments, never empty; a program with a slash is resolved against the file's folder.
        public var arguments: [Located<String>]

        /// The program that was found, once the files have been checked.
        public var programPath: String?

        /// What it speaks.
        public var `protocol`: Located<CommandProtocol> = .unwritten(.jsonLines)

        /// The working directory: by default the configuration's folder.
        public var directory: Located<String>
    }

    /// What a program speaks on its standard input and output.
    public enum CommandProtocol: String, CaseIterable, Sendable {
        /// One event a line in, one response a line out; the process stays.
        case jsonLines = "json_lines"
        /// One process for each event: the event on standard input until its end, the response on standard output.
        case exec
    }

    /// The shape of an event.
    public enum EventShape: String, CaseIterable, Sendable {
        /// API Gateway's payload format 2.0.
        case apigatewayV2 = "apigateway_v2"
    }

    /// How many instances of a function there are.
    public struct Instances: Equatable, Sendable {
        /// Kept even when idle, and started before the gateway is ready.
        public var min: Located<Int> = .unwritten(0)

        /// At most this many at a time.
        public var max: Located<Int> = .unwritten(8)

        /// How long one above `min` may be idle.
        public var idle: Located<Duration> = .unwritten(.seconds(60))
    }

    /// How requests wait for an instance.
    public struct Queue: Equatable, Sendable {
        /// The most that wait; one more is answered with 503.
        public var length: Located<Int> = .unwritten(32)

        /// How long one waits before it is answered with 503.
        public var wait: Located<Duration> = .unwritten(.seconds(1))

        /// Whether the file says anything of it.
        var isWritten: Bool { length.isWritten || wait.isWritten }
    }

    /// A variable of a function's environment.
    public struct EnvironmentVariable: Equatable, Sendable {
        public var name: Located<String>
        public var value: Secret
    }
}
