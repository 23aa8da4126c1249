import CSpawner
import Glibc
import PenstockBytes
public import PenstockNetworking
public import PenstockSystem
import Synchronization

/// What becomes of a process that was asked for; told on the supervisor's loop.
protocol SpawnerClient: AnyObject, Sendable {
    /// It runs.
    func processStarted(_ pid: Int32)

    /// It was never there: the stage at which starting it failed, and the error.
    func processFailed(_ error: SystemError)

    /// It was reaped; `nil` where nobody could say how it ended.
    func processExited(_ status: Int32?)
}

/// A program to be started.
struct Launch {
    var program: String
    var directory: String
    var arguments: [String]
    var environment: [String]

    /// Our descriptors, and their numbers in the process.
    var descriptors: [(ours: Int32, theirs: Int32)] = []

    /// RLIMIT_AS in bytes; 0: none.
    var memory = 0
}

/// The gateway's end of the spawner: one process that starts, kills and reaps all instances (CSpawner.h).
///
/// It may be asked from any thread; its answers come on the supervisor's loop. When the process dies, its instances die
/// with it, and another one is started.
public final class Spawner: @unchecked Sendable {  // `state` has a lock; the rest belongs to the supervisor
    private struct State {
        /// Our end of the control socket, -1 while there is no spawner.
        var control: Int32 = -1
        var pid: pid_t = 0
        var nextID: UInt64 = 1
        var clients: [UInt64: any SpawnerClient] = [:]

        /// Signals that did not fit the socket.
        var unsent: [(id: UInt64, signal: Int32)] = []
        var isClosing = false

        /// What the processes of this spawner carry in their environment (``OrphanSweep``).
        var mark = Spawner.newMark()
    }

    private static func newMark() -> String { "\(getpid()).\(String(UInt64.random(in: 0...UInt64.max), radix: 36))" }

    /// What runs the files of handlers.
    let bootstraps: Bootstraps

    private let supervisor: EventLoop
    private let files: (soft: UInt64, hard: UInt64)
    private let state = Mutex(State())
    private var startedAt = Instant.never
    private lazy var timer = Timer(target: self)

    /// Starts the process.
    ///
    /// - Parameters:
    ///   - supervisor: the loop that its answers come to; running, or soon to be.
    ///   - fileLimit: the descriptor limit that instances get; `nil`: the gateway's.
    /// - Throws: ``SystemError`` when there can be no process, or no file in memory.
    public init(supervisor: EventLoop, fileLimit: (soft: UInt64, hard: UInt64)? = nil) throws(SystemError) {
        bootstraps = try Bootstraps()
        self.supervisor = supervisor
        files = fileLimit ?? (0, 0)
        _ = Glibc.signal(SIGPIPE, SIG_IGN)  // a command that ends while its event is written
        try start()
        supervisor.submit { self.watch() }
    }

    deinit {
        let control = state.withLock { $0.control }
        if control >= 0 { Glibc.close(control) }
    }

    /// Ends the process, and with it every instance; returns when all of them are gone.
    ///
    /// Not from the supervisor's loop.
    public func close() {
        let pid = state.withLock { state -> pid_t? in
            state.isClosing = true
            guard state.control >= 0 else { return nil }
            // Under the lock: what ``restart()`` has closed may be another's number already.
            shutdown(state.control, Int32(SHUT_RDWR))
            return state.pid
        }
        if let pid { reap(pid) }
    }

    /// Asks for a process.
    ///
    /// - Parameters:
    ///   - launch: what to start; its descriptors stay the caller's.
    ///   - client: is told what becomes of it, unless this throws.
    /// - Returns: the name of the process for ``signal(_:_:)``.
    /// - Throws: ``SystemError`` when it could not even be asked for.
    func spawn(_ launch: borrowing Launch, for client: any SpawnerClient) throws(SystemError) -> UInt64 {
        var request = penstock_spawn_request()
        let mark = state.withLock { $0.mark }
        let strings = try Self.strings(of: launch, ["\(OrphanSweep.name)=\(mark)"], &request)
        defer { Glibc.close(strings) }
        var descriptors = [strings]
        withUnsafeMutableBytes(of: &request.targets) { targets in
            for (index, descriptor) in launch.descriptors.enumerated() {
                descriptors.append(descriptor.ours)
                targets.storeBytes(of: descriptor.theirs, toByteOffset: index * 4, as: Int32.self)
            }
        }
        request.kind = PENSTOCK_SPAWN.rawValue
        request.descriptors = UInt32(launch.descriptors.count)
        request.files_soft = files.soft
        request.files_hard = files.hard
        request.memory = UInt64(launch.memory)
        let (id, error) = state.withLock { state -> (UInt64, Int32) in
            request.id = state.nextID
            state.nextID += 1
            guard state.control >= 0 else { return (0, ECONNREFUSED) }
            let error = penstock_spawner_send(state.control, &request, descriptors, descriptors.count)
            if error == 0 { state.clients[request.id] = client }
            return (request.id, error)
        }
        guard error == 0 else { throw SystemError(call: "spawn", errno: error) }
        return id
    }

    /// Sends a signal to a process that ``spawn(_:for:)`` named: SIGKILL ends all that descends from it too.
    func signal(_ id: UInt64, _ number: Int32) {
        let isLate = state.withLock { state in
            guard state.clients[id] != nil else { return false }
            if Self.send(number, to: id, state.control) { return false }
            state.unsent.append((id, number))
            return true
        }
        if isLate { supervisor.submit { self.supervisor.set(self.timer, at: self.supervisor.now + 10_000_000) } }
    }

    private static func send(_ number: Int32, to id: UInt64, _ control: Int32) -> Bool {
        guard control >= 0 else { return true }
        var request = penstock_spawn_request()
        request.kind = PENSTOCK_KILL.rawValue
        request.id = id
        request.signal = UInt32(number)
        return penstock_spawner_send(control, &request, nil, 0) != EAGAIN
    }

    /// Writes the strings of a launch into a memory file, and their counts into the request.
    private static func strings(
        of launch: Launch,
        _ marks: [String],
        _ request: inout penstock_spawn_request
    ) throws(SystemError) -> Int32 {
        let variables = marks + launch.environment
        var bytes = ByteBuffer()
        for text in [launch.program, launch.directory] + launch.arguments + variables {
            bytes.append(text)
            bytes.append(UInt8(0))
        }
        guard bytes.count <= Int(PENSTOCK_SPAWN_STRINGS) else { throw SystemError(call: "spawn", errno: E2BIG) }
        request.arguments = UInt32(launch.arguments.count)
        request.variables = UInt32(variables.count)
        request.strings = UInt32(bytes.count)
        return try memoryFile(named: "penstock-launch", bytes.readable)
    }

    /// Makes an anonymous file that nobody can change.
    static func memoryFile(named name: String, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int32 {
        let file = penstock_memory_file(name, bytes.baseAddress, bytes.count)
        guard file >= 0 else { throw SystemError(call: "memfd_create", errno: -file) }
        return file
    }
}

// MARK: - The process itself

extension Spawner: EventSource, TimerTarget {
    private func start() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError(call: "socketpair") }
        var pid: pid_t = 0
        let error = penstock_spawner_start(ends[1], &pid)
        Glibc.close(ends[1])
        guard error == 0 else {
            Glibc.close(ends[0])
            throw SystemError(call: "posix_spawn", errno: error)
        }
        startedAt = MonotonicClock.now()
        let isTooLate = state.withLock { state in
            guard !state.isClosing else { return true }
            state.control = ends[0]
            state.pid = pid
            return false
        }
        guard isTooLate else { return }
        Glibc.close(ends[0])
        reap(pid)
    }

    private func watch() {
        let control = state.withLock { $0.control }
        do {
            try supervisor.register(control, self, .readable)
        } catch {
            restart()
        }
    }

    /// Takes the answers that have come.
    public func ready(_ events: Readiness) {
        let control = state.withLock { $0.control }
        while true {
            var answer = penstock_spawn_answer()
            let result = penstock_spawner_receive(control, &answer)
            if result == -EAGAIN { return }
            guard result == 1 else { return restart() }
            deliver(answer)
        }
    }

    private func deliver(_ answer: penstock_spawn_answer) {
        let isLast = answer.kind != PENSTOCK_SPAWNED.rawValue
        let client = state.withLock { state in
            isLast ? state.clients.removeValue(forKey: answer.id) : state.clients[answer.id]
        }
        switch answer.kind {
        case PENSTOCK_SPAWNED.rawValue: client?.processStarted(answer.pid)
        case PENSTOCK_EXITED.rawValue: client?.processExited(answer.status)
        default: client?.processFailed(SystemError(call: Self.stageName(answer.stage), errno: answer.status))
        }
    }

    private static func stageName(_ stage: UInt32) -> String {
        switch stage {
        case PENSTOCK_STAGE_CLONE.rawValue: "clone"
        case PENSTOCK_STAGE_DESCRIPTORS.rawValue: "dup2"
        case PENSTOCK_STAGE_LIMITS.rawValue: "setrlimit"
        case PENSTOCK_STAGE_DIRECTORY.rawValue: "chdir"
        case PENSTOCK_STAGE_EXEC.rawValue: "execve"
        default: "spawn"
        }
    }

    /// The spawner has died: so have its instances.
    ///
    /// Starts another one, at most ten a second.
    private func restart() {
        let (control, pid, clients, isClosing, mark) = state.withLock { state in
            let old = (state.control, state.pid, state.clients, state.isClosing, state.mark)
            state.mark = Self.newMark()
            state.control = -1
            state.clients = [:]
            state.unsent = []
            return old
        }
        if control >= 0 {
            supervisor.deregister(control)
            Glibc.close(control)
            if !isClosing { reap(pid) }
        }
        for client in clients.values { client.processExited(nil) }
        guard !isClosing else { return supervisor.cancel(timer) }
        OrphanSweep.killAll(marked: mark)
        let pause = startedAt + 100_000_000
        if pause > MonotonicClock.now() {
            supervisor.set(timer, at: pause)
        } else {
            tryAgain()
        }
    }

    private func tryAgain() {
        if state.withLock({ $0.isClosing }) { return }
        do {
            try start()
            watch()
        } catch {
            supervisor.set(timer, at: MonotonicClock.now() + 1_000_000_000)
        }
    }

    private func reap(_ pid: pid_t) {
        if !state.withLock({ $0.isClosing }) { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    /// Starts the next spawner, or sends signals that did not fit the socket.
    public func expired(_ timer: Timer) {
        let (isAlive, isClosing) = state.withLock { state in
            let control = state.control
            state.unsent.removeAll { Self.send($0.signal, to: $0.id, control) }
            return (control >= 0, state.isClosing)
        }
        if isClosing { return }
        if !isAlive { return tryAgain() }
        if state.withLock({ !$0.unsent.isEmpty }) { supervisor.set(timer, at: supervisor.now + 10_000_000) }
    }
}
