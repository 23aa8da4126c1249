import Glibc
import Logging
import PenstockConfiguration
import PenstockFunctions
import PenstockNetworking
import PenstockObservability
import PenstockPatterns
import PenstockSystem
import PenstockTransport
import Synchronization

/// The functions of the gateway.
///
/// Their instances live through reloads that leave settings and files as they are.
///
/// Used by the control thread; ``FunctionCensus`` is what other threads see.
final class FunctionSet {
    /// The functions of one configuration, ready to be taken into use, or dropped.
    struct Prepared {
        fileprivate var built: [String: Built] = [:]
        fileprivate var swift: [String: SwiftFunctionRuntime] = [:]
        fileprivate let buffered: Int
    }

    fileprivate struct Built {
        let settings: FunctionSettings
        let fingerprint: CodeFingerprint
        let pool: InstancePool
    }

    let census = FunctionCensus()
    private let shared: Shared
    private let supervisor: EventLoop
    private let shares: [InstanceLoop]
    private let budget = BufferBudget(limit: 0)
    private var spawner: Spawner?
    private var built: [String: Built] = [:]

    /// Pools that no configuration has any more, with instances that have not ended.
    private var leaving: [InstancePool] = []
    private let swiftFunctions: SwiftFunctionSet

    /// No function yet.
    ///
    /// - Parameters:
    ///   - swift: closures of the program, by the names that the configuration gives them.
    ///   - loops: those that serve.
    ///   - supervisor: does what is not on the path of a request.
    ///   - shared: counters and logs.
    init(swift: [String: SwiftFunction], loops: [EventLoop], supervisor: EventLoop, shared: Shared) {
        self.shared = shared
        swiftFunctions = SwiftFunctionSet(swift, loops: loops, writer: shared.logWriter)
        self.supervisor = supervisor
        shares = loops.map { loop in
            let output = FunctionOutput(loop: loop, writer: shared.logWriter)
            return InstanceLoop(loop: loop, output: output, metrics: shared.metrics)
        }
    }

    /// Makes a pool for every function that is new or has changed; the others keep theirs, with its warm instances.
    ///
    /// Blocks until an instance of each function that has changed is ready. Where none can start, the old pool stays.
    ///
    /// - Parameters:
    ///   - configuration: the one to be taken into use.
    ///   - isInterrupted: whether to give up waiting.
    /// - Returns: what ``commit(_:)`` or ``discard(_:)`` takes.
    /// - Throws: ``GatewayError``, also when it was interrupted.
    func prepare(
        _ configuration: Configuration,
        unless isInterrupted: () -> Bool = { false }
    ) throws(GatewayError) -> Prepared {
        var prepared = Prepared(buffered: configuration.limits(of: nil).buffered)
        let environment = ProcessEnvironment.all
        for function in configuration.functions {
            if case .swift(let name) = function.code {
                prepared.swift[function.name.value] = try swiftFunctions.runtime(of: function, closure: name.value)
                continue
            }
            let settings = try FunctionSettings(function, gateway: environment)
            let fingerprint = CodeFingerprint(settings.codePaths(of: function), except: configuration.ownPaths)
            let name = settings.name
            if !fingerprint.isWhole { sayHuge(settings) }
            if let old = built[name], old.settings == settings, fingerprint.isWhole, old.fingerprint == fingerprint {
                prepared.built[name] = old
            } else {
                let pool = InstancePool(settings, on: shares, spawner: try startSpawner(), supervisor: supervisor)
                prepared.built[name] = Built(settings: settings, fingerprint: fingerprint, pool: pool)
            }
        }
        try tryOut(&prepared, unless: isInterrupted)
        return prepared
    }

    private func tryOut(_ prepared: inout Prepared, unless isInterrupted: () -> Bool) throws(GatewayError) {
        let changed = prepared.built.filter { name, new in built[name].map { $0.pool !== new.pool } ?? false }
        let begin = MonotonicClock.now()
        for new in changed.values { new.pool.tryOut() }
        for (name, new) in changed {
            while case .running = new.pool.trial {
                guard !isInterrupted() else {
                    discard(prepared)
                    throw GatewayError("a signal came while the new code of function '\(name)' was starting")
                }
                // The pool itself reports what takes longer than `init_timeout`, once it could ask for a process.
                if MonotonicClock.now() - begin > new.settings.initTimeout + 1_000_000_000 { break }
                usleep(2_000)
            }
            if case .ready = new.pool.trial { continue }
            var reason = "no process could be started"
            if case .failed(let error) = new.pool.trial { reason = "\(error.type): \(error.message)" }
            shared.log.error(
                "a function's new code cannot start; the old code goes on",
                metadata: ["function": "\(name)", "error": "\(reason)"]
            )
            new.pool.retire()
            leaving.append(new.pool)
            prepared.built[name] = built[name]
        }
    }

    private func sayHuge(_ settings: FunctionSettings) {
        shared.log.warning(
            "too many files to see what a reload has changed: each one starts the function anew",
            metadata: ["function": "\(settings.name)", "directory": "\(settings.directory)"]
        )
    }

    private func startSpawner() throws(GatewayError) -> Spawner {
        if let spawner { return spawner }
        do throws(SystemError) {
            let spawner = try Spawner(supervisor: supervisor, fileLimit: shared.fileLimit)
            self.spawner = spawner
            return spawner
        } catch {
            throw GatewayError("cannot start the process that starts functions: \(error)")
        }
    }

    /// Takes `prepared` into use: new pools start their instances, old ones end theirs when they have nothing to do.
    func commit(_ prepared: Prepared) {
        leaving.removeAll { $0.statistics.alive == 0 }
        for (name, old) in built where prepared.built[name]?.pool !== old.pool {
            old.pool.retire()
            leaving.append(old.pool)
        }
        for (name, new) in prepared.built where built[name]?.pool !== new.pool { new.pool.begin() }
        built = prepared.built
        budget.limit = prepared.buffered
        swiftFunctions.commit(prepared.swift)
        census.replace(built.values.map(\.pool))
    }

    /// Lets the pools of a configuration go that was not taken into use.
    func discard(_ prepared: Prepared) {
        for (name, new) in prepared.built where built[name]?.pool !== new.pool {
            new.pool.retire()
            leaving.append(new.pool)
        }
    }

    /// The handler of a route to a function, on one loop.
    func handler(
        for name: String,
        in prepared: Prepared,
        route: Configuration.Route,
        parameterNames: [String],
        shard: Int
    ) throws(GatewayError) -> any Handler {
        if let runtime = prepared.swift[name] {
            return swiftFunctions.handler(
                runtime,
                route: route,
                parameterNames: parameterNames,
                shard: shard,
                budget: budget,
                metrics: shared.metrics
            )
        }
        guard let pool = prepared.built[name]?.pool else { throw GatewayError("there is no function '\(name)'") }
        return FunctionHandler(
            invoker: pool.invoker(on: shard),
            encoder: EventEncoder(
                path: route.path.value.text,
                methods: route.methods.map(\.value),
                parameterNames: parameterNames
            ),
            metrics: FunctionMetrics(registry: shared.metrics, function: name, shard: shard),
            budget: budget,
            output: shares[shard].output
        )
    }

    /// Lets every instance end when it has nothing to do.
    func retire() { for entry in built.values { entry.pool.retire() } }

    /// Whether no instance is left that has ever been ready.
    var isEmpty: Bool {
        (leaving + built.values.map(\.pool)).map(\.statistics).allSatisfy { $0.alive == $0.starting }
    }

    /// Ends every instance; returns when all are gone.
    func close() {
        retire()
        spawner?.close()
    }
}

extension Configuration {
    /// What the gateway itself writes or is told by, which may lie beside a function's code.
    fileprivate var ownPaths: [String] {
        var paths = [file, state.value, "/proc/self/fd/1", "/proc/self/fd/2"]
        if case .file(let log) = accessLog?.to.value { paths.append(log) }
        return paths
    }
}

extension FunctionSettings {
    /// The files and folders whose change makes another function of it.
    ///
    /// A command that names no directory runs in the configuration's, whose other files are not its own.
    fileprivate func codePaths(of function: Configuration.Function) -> [String] {
        switch program {
        case .python(_, let file, _), .node(_, let file, _): return [directory, file]
        case .jsonLines(let program, let arguments), .exec(let program, let arguments):
            if case .command(let command) = function.code, command.directory.isWritten {
                return [directory, program] + files(arguments)
            }
            return [program] + files(arguments)
        }
    }

    /// Those of a command's arguments that are files: scripts for an interpreter.
    private func files(_ arguments: [String]) -> [String] {
        let isFile = FileSystem.host().kind
        return arguments.map { $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" }.filter { isFile($0) == .file }
    }
}

/// How the functions stand, for metrics and readiness.
///
/// From any thread.
final class FunctionCensus: Sendable {
    private let state = Mutex(State())

    private struct State {
        var pools: [InstancePool] = []

        /// Pools that were replaced, until their last instance is gone.
        var retired: [InstancePool] = []

        /// Every function that there has been: its series stay, and say 0 once it is gone.
        var names: Set<String> = []

        /// Pools that had their minimum once: a crash later does not take the gateway out of service.
        var wereReady: Set<ObjectIdentifier> = []
    }

    func replace(_ pools: [InstancePool]) {
        state.withLock { state in
            let gone = state.pools.filter { old in !pools.contains { $0 === old } }
            state.retired = (state.retired + gone).filter(\.isInUse)
            state.pools = pools
            state.names.formUnion(pools.map(\.settings.name))
            state.wereReady.formIntersection(pools.map(ObjectIdentifier.init))
        }
    }

    /// Whether every function has, or has had, its `instances.min`.
    var isReady: Bool {
        state.withLock { state in
            for pool in state.pools where !state.wereReady.contains(ObjectIdentifier(pool)) {
                guard pool.statistics.ready >= pool.settings.minimum else { return false }
                state.wereReady.insert(ObjectIdentifier(pool))
            }
            return true
        }
    }

    /// Writes the number of instances in each state, and of events that wait.
    func report(to metrics: MetricsRegistry) {
        let (names, pools) = state.withLock { state in
            state.retired.removeAll { !$0.isInUse }
            return (state.names, state.pools + state.retired)
        }
        for name in names {
            let numbers = pools.filter { $0.settings.name == name }.map(\.statistics)
            let states = [
                ("starting", numbers.map(\.starting)), ("idle", numbers.map(\.idle)),
                ("busy", numbers.map { $0.ready - $0.idle }),
            ]
            for (state, counts) in states {
                metrics.gauge(.functionInstances, [name, state]).set(max(0, counts.reduce(0, +)))
            }
            metrics.gauge(.functionWaiting, [name]).set(numbers.map(\.waiting).reduce(0, +))
        }
    }
}

extension InstancePool {
    /// Whether it has instances, or events for them.
    fileprivate var isInUse: Bool {
        let numbers = statistics
        return numbers.alive > 0 || numbers.waiting > 0
    }
}
