import CLinux
import CSpawner
import Glibc
import PenstockSystem
import Synchronization

/// Our ends of what connects us with an instance; numbers, which the instance closes once.
struct InstanceDescriptors {
    /// Where events are written; -1: closed.
    var events: Int32

    /// Where answers are read.
    var answers: Int32

    /// What it prints.
    var log: Int32

    mutating func closeEvents() {
        if events >= 0 { close(events) }
        events = -1
    }

    mutating func closeAll() {
        closeEvents()
        if answers >= 0 { close(answers) }
        if log >= 0 { close(log) }
        answers = -1
        log = -1
    }
}

/// What the spawner is asked for an instance, and the descriptors on both sides.
struct InstanceLaunch {
    /// Our ends.
    private(set) var ours = InstanceDescriptors(events: -1, answers: -1, log: -1)

    /// What to start, with the instance's ends.
    private(set) var launch: Launch

    /// The instance's ends: they are closed when the spawner has them.
    private var theirs: [Int32] = []

    /// Makes what an instance of `settings` needs.
    ///
    /// - Parameters:
    ///   - settings: the function.
    ///   - bootstraps: what a handler's file is run by.
    /// - Throws: ``SystemError`` when descriptors have run out; nothing is left open.
    init(_ settings: FunctionSettings, _ bootstraps: borrowing Bootstraps) throws(SystemError) {
        let environment = settings.environment + ["AWS_LAMBDA_LOG_STREAM_NAME=\(FunctionEnvironment.logStreamName())"]
        launch = Launch(
            program: settings.path,
            directory: settings.directory,
            arguments: [],
            environment: environment,
            memory: settings.addressSpace
        )
        do {
            let log = try pipe(weRead: true)
            ours.log = try takeOurs(log.read)
            // Pipes, not a socket: they cost half as much, and a reader asleep is not woken when its answer is taken.
            let events = try pipe(weRead: false)
            ours.events = try takeOurs(events.write)
            let answers = try pipe(weRead: true)
            ours.answers = try takeOurs(answers.read)
            switch settings.wire {
            case .frames: addBootstrap(settings, bootstraps, events.read, answers.write, output: log.write)
            case .lines, .once: addCommand(settings, events.read, answers.write, output: log.write)
            }
        } catch {
            closeTheirs()
            ours.closeAll()
            throw error
        }
    }

    /// Closes the instance's ends.
    mutating func closeTheirs() {
        for descriptor in theirs { close(descriptor) }
        theirs = []
    }

    // MARK: Programs

    /// A bootstrap, at descriptor 4, for a file of the function's.
    private mutating func addBootstrap(
        _ settings: FunctionSettings,
        _ bootstraps: borrowing Bootstraps,
        _ events: Int32,
        _ answers: Int32,
        output: Int32
    ) {
        let script = "/proc/self/fd/4"
        let limit = String(settings.responseLimit)
        switch settings.program {
        case .python(let interpreter, let file, let function):
            launch.program = interpreter
            launch.arguments = [interpreter, script, settings.directory, file, function, limit]
            launch.descriptors = [(events, 3), (bootstraps.python.rawValue, 4), (answers, 5), (output, 1), (output, 2)]
        case .node(let interpreter, let file, let function):
            // Node cannot move them away by itself; up to 15, libuv keeps them from what the function starts.
            let numbers = (5...15).shuffled().prefix(2).map { Int32($0) }
            launch.program = interpreter
            launch.arguments = [interpreter, "--preserve-symlinks-main"]
            if let memory = settings.memory { launch.arguments.append("--max-old-space-size=\(max(1, memory >> 20))") }
            launch.arguments += [script, settings.directory, file, function, limit, "1"] + numbers.map(String.init)
            launch.descriptors = [
                (events, numbers[0]), (answers, numbers[1]), (bootstraps.node.rawValue, 4), (output, 1), (output, 2),
            ]
        case .jsonLines, .exec: break
        }
    }

    private mutating func addCommand(_ settings: FunctionSettings, _ input: Int32, _ result: Int32, output: Int32) {
        switch settings.program {
        case .jsonLines(let program, let arguments), .exec(let program, let arguments):
            launch.arguments = [program] + arguments
            launch.descriptors = [(input, 0), (result, 1), (output, 2)]
        case .python, .node: break
        }
    }

    // MARK: Descriptors

    private func takeOurs(_ descriptor: Int32) throws(SystemError) -> Int32 {
        guard penstock_nonblocking(descriptor) == 0 else {
            let error = SystemError(call: "fcntl")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private mutating func pipe(weRead: Bool) throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let error = penstock_pipe(&ends)
        guard error == 0 else { throw SystemError(call: "pipe2", errno: error) }
        theirs.append(weRead ? ends[1] : ends[0])
        return (ends[0], ends[1])
    }
}

/// The bootstraps as files in memory, shared by all instances.
///
/// Made before there is any: later there may be no descriptor left for them.
struct Bootstraps: ~Copyable {
    let python: FileDescriptor
    let node: FileDescriptor

    init() throws(SystemError) {
        let python = try Self.file("bootstrap.py", PackageResources.bootstrap_py)
        node = try Self.file("bootstrap.cjs", PackageResources.bootstrap_cjs)
        self.python = python
    }

    private static func file(_ name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
        let descriptor = try bytes.span.withUnsafeBytes { bytes throws(SystemError) in
            try Spawner.memoryFile(named: name, bytes)
        }
        return FileDescriptor(owning: descriptor)
    }
}
