import PenstockConfiguration
import PenstockFunctions
import PenstockNetworking
import PenstockObservability
import PenstockPatterns
import PenstockTransport

/// The functions that are closures of the program.
///
/// Used by the control thread. A function that a reload leaves as it is goes on counting what runs and waits.
final class SwiftFunctionSet {
    private let functions: [String: SwiftFunction]
    private let workers: [SwiftWorkers]
    private var runtimes: [String: SwiftFunctionRuntime] = [:]

    /// Takes the program's closures, by the names that the configuration gives them after `swift:`.
    init(_ functions: [String: SwiftFunction], loops: [EventLoop], writer: LogWriter) {
        self.functions = functions
        guard !functions.isEmpty else {
            workers = []
            return
        }
        let pool = WorkerPool()
        workers = loops.map { loop in
            SwiftWorkers(loop: loop, pool: pool, log: FunctionLog(format: .text, writer: writer))
        }
    }

    /// A function as it is to run; the one that runs where nothing of it has changed.
    func runtime(
        of function: Configuration.Function,
        closure: String
    ) throws(GatewayError) -> SwiftFunctionRuntime {
        guard let body = functions[closure] else {
            throw GatewayError("the program has no Swift function '\(closure)'")
        }
        let settings = SwiftFunctionSettings(
            name: function.name.value,
            closure: closure,
            timeout: function.timeout.value.nanoseconds,
            queueLength: function.queue.length.value,
            queueWait: function.queue.wait.value.nanoseconds,
            responseLimit: function.responseLimit.value
        )
        if let running = runtimes[settings.name], running.settings == settings { return running }
        return SwiftFunctionRuntime(body, settings: settings)
    }

    /// Takes the functions of a configuration into use.
    func commit(_ runtimes: [String: SwiftFunctionRuntime]) { self.runtimes = runtimes }

    /// The handler of a route, on one loop.
    func handler(
        _ runtime: SwiftFunctionRuntime,
        route: Configuration.Route,
        parameterNames: [String],
        shard: Int,
        budget: BufferBudget,
        metrics: MetricsRegistry
    ) -> SwiftFunctionHandler {
        SwiftFunctionHandler(
            runtime,
            workers: workers[shard],
            budget: budget,
            path: route.path.value.text,
            methods: route.methods.map(\.value),
            parameterNames: parameterNames,
            metrics: metrics
        )
    }
}
