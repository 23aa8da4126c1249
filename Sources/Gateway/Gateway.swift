import CLinux
import Dispatch
import Glibc
import Logging
import PenstockAdmin
public import PenstockConfiguration
public import PenstockFunctions
import PenstockHTTP
public import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport

/// A gateway: its loops, listeners and functions, and how they change with a reload.
///
/// Belongs to the control thread, the one that made it.
public final class Gateway {
    private let shared: Shared
    private let group: EventLoopGroup
    private let assemblies: [LoopAssembly]
    private let sockets = ListeningSockets()
    private let adminSockets = ListeningSockets()
    private let controlSockets = ListeningSockets()
    private let functions: FunctionSet
    private let upstreams: UpstreamSet
    private let admin: AdminServer
    private let state: StateFolder
    private let ownAddresses = OwnAddresses()
    private var running: RunningConfiguration
    private var generation = 1

    /// Who has asked for a reload over the admin API.
    let reloadRequests = ReloadRequests()

    /// The configuration that runs.
    public var configuration: Configuration { running.configuration }

    private var listeners: [Address: BoundListener] = [:]

    /// A listener's settings on each loop, and how many connections it may have.
    private struct BoundListener {
        let states: [ListenerState]
        let connections: ConnectionLimits
    }

    /// Prepares a gateway; nothing is listened on yet.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - functions: closures of the program, by the names that the configuration gives them.
    /// - Throws: ``GatewayError``.
    public init(
        _ configuration: Configuration,
        functions: [String: SwiftFunction] = [:]
    ) throws(GatewayError) {
        state = try StateFolder(configuration.state.value)
        shared = try Shared(configuration, fileLimit: DescriptorLimit.raise())
        shared.accessLogs = try shared.accessLogs(for: configuration)
        running = try RunningConfiguration(configuration)
        let loops = configuration.loops ?? ProcessorCount.usable
        do throws(SystemError) {
            group = try Self.group(of: loops + 1, configuration.io, log: shared.log)
        } catch {
            throw GatewayError("cannot start the loops: \(error)")
        }
        let shared = self.shared
        assemblies = group.loops.dropLast().map { LoopAssembly(loop: $0, shared: shared) }
        let supervisor = group.loops[loops]
        self.functions = FunctionSet(
            swift: functions,
            loops: group.loops.dropLast(),
            supervisor: supervisor,
            shared: shared
        )
        upstreams = UpstreamSet(loops: loops, supervisor: supervisor, own: ownAddresses, log: shared.log)
        admin = AdminServer(
            loop: supervisor,
            metrics: shared.metrics,
            log: shared.log,
            functions: self.functions.census,
            upstreams: upstreams.census,
            endpoints: [reloadRequests.endpoint] + upstreams.api.endpoints,
            token: configuration.admin == nil ? nil : try state.token()
        )
    }

    deinit {
        for assembly in assemblies { assembly.server.neighbours = [] }  // they hold each other
    }

    /// The addresses that are listened on, by listener, in the configuration's order.
    public var addresses: [(listener: String, addresses: [SocketAddress])] {
        running.configuration.listeners.map { listener in
            (listener.name.value, (sockets.bound[listener.address.value] ?? []).map(\.address))
        }
    }

    /// The addresses of the admin listener.
    public var adminAddresses: [SocketAddress] { adminSockets.bound.values.flatMap { $0 }.map(\.address) }

    /// Opens the listeners and serves.
    ///
    /// - Throws: ``GatewayError``: an address in use, a folder that is missing.
    public func start() throws(GatewayError) {
        // Functions run as the same user: none may read the memory or the environment of the gateway (trust.md).
        _ = penstock_undumpable()
        Heap.returnLargeBuffers()
        try startLoops()
        let configuration = running.configuration
        try open(configuration)
        let prepared = try functions.prepare(configuration)
        let preparedUpstreams = try upstreams.prepare(configuration)
        let built = try build(running, prepared, preparedUpstreams, shared.accessLogs)
        functions.commit(prepared)
        upstreams.commit(preparedUpstreams)
        _ = apply(running, built)
        try openAdmin(configuration)
        admin.setReady(true)
        shared.metrics.gauge(.buildInfo, [GatewayVersion.current]).set(1)
        shared.metrics.gauge(.configurationGeneration).set(1)
        shared.metrics.gauge(.configurationLastReloadSuccessful).set(1)
        shared.metrics.gauge(.configurationLastReload).set(Int(MonotonicClock.wallNanoseconds()))
        warnOfFewDescriptors()
        shared.log.info("serving", metadata: ["configuration": "\(configuration.file)"])
    }

    /// Puts another configuration in the place of the one that runs; connections and counters live on.
    ///
    /// Blocks until functions whose code has changed are ready, while the old ones go on serving.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - isInterrupted: whether to give up waiting for name servers and functions.
    /// - Throws: ``GatewayError``, and everything is as it was.
    public func reload(
        _ configuration: Configuration,
        unless isInterrupted: () -> Bool = { false }
    ) throws(GatewayError) {
        let next = try RunningConfiguration(configuration, after: running)
        let preparedUpstreams = try upstreams.prepare(configuration, unless: isInterrupted)
        let prepared: FunctionSet.Prepared
        let accessLogs: AccessLogs?
        let built: [LoopAssembly.Built]
        do throws(GatewayError) {
            try open(configuration)
            accessLogs = try shared.accessLogs(for: configuration)
            prepared = try functions.prepare(configuration, unless: isInterrupted)
            built = try build(next, prepared, preparedUpstreams, accessLogs)
        } catch {
            sockets.close(allBut: Set(running.configuration.listeners.map(\.address.value)))
            noteAddresses()
            upstreams.discard(preparedUpstreams)
            throw error
        }
        functions.commit(prepared)
        sayWhatStays(configuration)
        running = next
        shared.accessLogs = accessLogs
        // A loop that does not answer still watches them: they are closed by a later reload.
        upstreams.commit(preparedUpstreams)
        if apply(next, built) { sockets.close(allBut: Set(configuration.listeners.map(\.address.value))) }
        noteAddresses()
    }

    private func startLoops() throws(GatewayError) {
        for assembly in assemblies {
            assembly.server.neighbours = assemblies.filter { $0 !== assembly }.map(\.server)
        }
        do throws(SystemError) {
            try group.start()
        } catch {
            throw GatewayError("cannot start the loops: \(error) (limits of memory and processes: `ulimit -a`)")
        }
    }

    /// Says so where connections and functions will hardly find descriptors.
    private func warnOfFewDescriptors() {
        let limit = shared.fileLimit.hard
        guard limit > 0, limit < DescriptorLimit.low else { return }
        shared.log.warning(
            "the limit of open files is very low: connections and functions may fail; raise it with `ulimit -Hn`",
            metadata: ["limit": "\(limit)"]
        )
    }

    /// Opens log files again, which a rotation may have renamed.
    private func reopenLogs() { shared.reopenLogs() }

    private func open(_ configuration: Configuration) throws(GatewayError) {
        for listener in configuration.listeners {
            try sockets.open(listener.address.value, name: listener.name.value)
        }
        noteAddresses()
    }

    private func noteAddresses() {
        let bound = Array(sockets.bound.values) + Array(adminSockets.bound.values)
        ownAddresses.replace(bound.flatMap { $0 }.map(\.address))
    }

    private func setLimits(_ configuration: Configuration) {
        let limits = configuration.limits(of: nil)
        shared.connections.set(total: limits.connections, perAddress: limits.connectionsPerAddress)
    }

    private func openAdmin(_ configuration: Configuration) throws(GatewayError) {
        let control = state.controlAddress
        try controlSockets.open(control, name: "control")
        try admin.listen(controlSockets.bound[control]?.map(\.descriptor) ?? [])
        guard let address = configuration.admin?.address.value else { return }
        try adminSockets.open(address, name: "admin")
        noteAddresses()
        try admin.listen(adminSockets.bound[address]?.map(\.descriptor) ?? [])
    }

    private func build(
        _ running: RunningConfiguration,
        _ prepared: FunctionSet.Prepared,
        _ upstreams: UpstreamSet.Prepared,
        _ accessLogs: AccessLogs?
    ) throws(GatewayError) -> [LoopAssembly.Built] {
        do throws(GatewayError) {
            return try assemblies.map { assembly throws(GatewayError) in
                try assembly.build(running, functions, prepared, upstreams.statuses, accessLogs)
            }
        } catch {
            functions.discard(prepared)
            throw error
        }
    }

    /// Hands every loop what was built for it, and waits until all have it; answers whether they do.
    private func apply(_ running: RunningConfiguration, _ built: [LoopAssembly.Built]) -> Bool {
        setLimits(running.configuration)
        let addresses = running.configuration.listeners.map(\.address.value)
        let gone = listeners.filter { !addresses.contains($0.key) }
        var next = listeners.filter { addresses.contains($0.key) }
        for (index, listener) in running.configuration.listeners.enumerated() {
            let address = listener.address.value
            let connections = next[address]?.connections ?? ConnectionLimits()
            connections.set(
                total: listener.limits.connections?.value,
                perAddress: listener.limits.connectionsPerAddress?.value
            )
            guard next[address] == nil else { continue }
            let states = built.map { ListenerState($0.settings[index], connections: connections) }
            next[address] = BoundListener(states: states, connections: connections)
        }
        let changes = DispatchGroup()
        for (number, assembly) in assemblies.enumerated() {
            let job = LoopChange(
                server: assembly.server,
                settings: zip(addresses, built[number].settings).map { (next[$0]?.states[number], $1) },
                opened: addresses.filter { listeners[$0] == nil }.map { address in
                    (next[address]?.states[number], sockets.bound[address]?.map(\.descriptor) ?? [])
                },
                closed: gone.values.map { $0.states[number] },
                retired: assembly.commit(built[number]),
                bufferLimit: running.configuration.limits(of: nil).buffered / assemblies.count,
                log: shared.log
            )
            assembly.context.loop.submit(in: changes) { [job = Handover(job)] in job.value.apply() }
        }
        listeners = next
        return isDone(changes)
    }

    /// Waits for what the loops were asked to do, and says so where one of them does not answer.
    private func isDone(_ work: DispatchGroup) -> Bool {
        let isDone = work.waitForLoops()
        if !isDone { shared.log.error("a loop is blocked: a function with `blocking: false`, or a disk") }
        return isDone
    }

    private static func group(
        of count: Int,
        _ io: Configuration.InputOutput,
        log: Logger
    ) throws(SystemError) -> EventLoopGroup {
        guard io != .epoll else { return try EventLoopGroup(count: count) }
        do throws(SystemError) {
            return try EventLoopGroup(count: count, sending: .ring)
        } catch {
            guard error.call == EventLoop.ringCall else { throw error }
            let level = io == .auto ? Logger.Level.info : .warning
            log.log(level: level, "there is no io_uring: the loops do with epoll", metadata: ["reason": "\(error)"])
            return try EventLoopGroup(count: count)
        }
    }

    /// Names the settings that only a start changes.
    private func sayWhatStays(_ next: Configuration) {
        let old = running.configuration
        let changed = [
            ("loops", old.loops != next.loops), ("io", old.io != next.io),
            ("state", old.state.value != next.state.value),
            ("admin", old.admin?.address.value != next.admin?.address.value),
            ("log", old.log != next.log),
        ]
        for (key, isChanged) in changed where isChanged {
            shared.log.warning("a change that takes effect at the next start", metadata: ["key": "\(key)"])
        }
    }

    /// Reads the configuration again, opens log files again, and says in log and metrics how that went.
    ///
    /// - Parameters:
    ///   - read: the file.
    ///   - isInterrupted: whether to give up waiting for name servers and functions.
    /// - Returns: what became of it.
    func readAgain(_ read: () -> Configuration.Loaded, unless isInterrupted: () -> Bool) -> ReloadOutcome {
        // Whatever the file says: it is also what a log rotation asks for.
        defer { reopenLogs() }
        let loaded = read()
        let outcome = take(loaded, unless: isInterrupted)
        let metrics = shared.metrics
        if case .succeeded = outcome {
            metrics.counter(.configurationReloads, ["succeeded"]).add()
            metrics.gauge(.configurationLastReloadSuccessful).set(1)
            metrics.gauge(.configurationLastReload).set(Int(MonotonicClock.wallNanoseconds()))
            metrics.gauge(.configurationGeneration).set(generation)
            shared.log.info("configuration reloaded", metadata: ["configuration": "\(running.configuration.file)"])
        } else {
            metrics.counter(.configurationReloads, ["failed"]).add()
            metrics.gauge(.configurationLastReloadSuccessful).set(0)
            var reason = "the file has errors"
            if case .failed(_, let error) = outcome { reason = "\(error)" }
            shared.log.error("configuration not reloaded; the old one goes on", metadata: ["error": "\(reason)"])
        }
        return outcome
    }

    private func take(_ loaded: Configuration.Loaded, unless isInterrupted: () -> Bool) -> ReloadOutcome {
        guard let configuration = loaded.configuration else { return .refused(loaded) }
        do throws(GatewayError) {
            try reload(configuration, unless: isInterrupted)
        } catch {
            return .failed(loaded, error)
        }
        generation += 1
        return .succeeded(loaded, generation: generation)
    }

    // MARK: The end

    /// Not ready any more, and serving as before.
    public func becomeUnready() {
        admin.setReady(false)
        let delay = running.configuration.shutdown.delay.value
        if delay > .zero { shared.log.info("not ready; serving on", metadata: ["for": "\(delay.written)"]) }
    }

    /// Not ready any more; accepts who waits, and finishes what is under way.
    public func drain() {
        admin.setReady(false)
        let closing = DispatchGroup()
        for (number, assembly) in assemblies.enumerated() {
            let states = listeners.values.map { $0.states[number] }
            assembly.context.loop.submit(in: closing) {
                [server = Handover(assembly.server), states = Handover(states)] in
                for state in states.value { server.value.close(state) }
                server.value.drain()
            }
        }
        if isDone(closing) { sockets.close(allBut: []) }
        shared.log.info("draining", metadata: ["connections": "\(shared.connections.count)"])
    }

    /// Whether every connection has ended.
    public var isDrained: Bool { shared.connections.count == 0 }

    /// Lets functions end, which have no request any more.
    public func retireFunctions() { functions.retire() }

    /// Whether every instance of a function has ended.
    public var areFunctionsGone: Bool { functions.isEmpty }

    /// Ends everything that is left.
    ///
    /// - Returns: whether it ended; otherwise a loop is blocked, and left to the end of the process.
    @discardableResult
    public func stop() -> Bool {
        let killing = DispatchGroup()
        for assembly in assemblies {
            assembly.context.loop.submit(in: killing) { [server = Handover(assembly.server)] in server.value.kill() }
        }
        let areLoopsFree = isDone(killing)
        functions.close()
        upstreams.close()
        admin.close()
        let hasEnded = group.stop(within: areLoopsFree ? nil : 0)
        if hasEnded {
            sockets.close(allBut: [])
        } else {
            _ = Unmanaged.passRetained(self)  // the blocked loop goes on with what is ours, should it ever go on
        }
        adminSockets.close(allBut: [])
        controlSockets.close(allBut: [])
        shared.log.info("stopped")
        shared.flushLogs()
        return hasEnded
    }
}
