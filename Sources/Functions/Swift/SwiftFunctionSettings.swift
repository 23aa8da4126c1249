/// What routes.yaml says of a Swift function.
public final class SwiftFunctionSettings: Sendable, Equatable {
    /// The function's name among functions.
    public let name: String

    /// The closure's name in the program.
    public let closure: String

    /// How long an invocation may run, in nanoseconds.
    public let timeout: Int64

    /// How many may wait for one that runs.
    public let queueLength: Int

    /// How long one may wait, in nanoseconds.
    public let queueWait: Int64

    /// The longest body of a response, in bytes.
    public let responseLimit: Int

    /// The longest body of a request, in bytes.
    public let requestLimit: Int

    /// Puts the settings together; the defaults are those of routes.yaml, and the closure has the function's name.
    public init(
        name: String,
        closure: String? = nil,
        timeout: Int64 = 3_000_000_000,
        queueLength: Int = 32,
        queueWait: Int64 = 1_000_000_000,
        responseLimit: Int = 6 << 20,
        requestLimit: Int = FunctionHandler.bodyLimit
    ) {
        self.name = name
        self.closure = closure ?? name
        self.timeout = timeout
        self.queueLength = queueLength
        self.queueWait = queueWait
        self.responseLimit = responseLimit
        self.requestLimit = requestLimit
    }

    public static func == (one: SwiftFunctionSettings, other: SwiftFunctionSettings) -> Bool {
        one.name == other.name && one.closure == other.closure && one.timeout == other.timeout
            && one.queueLength == other.queueLength
            && one.queueWait == other.queueWait && one.responseLimit == other.responseLimit
            && one.requestLimit == other.requestLimit
    }
}
