import CLinux
import CSpawner
import Glibc
import PenstockSystem
import Synchronization

/// Our ends of what connects us with an instance; numbers, which the instance closes once.
struct InstanceDescriptors {
    /// Where events are written; with frames the same as ``answers``; -1: closed.
    var events: Int32

    /// Where answers are read.
    var answers: Int32

    /// What it prints.
    var log: Int32

    mutating func closeEvents() {
        if events >= 0, events != answers { close(events) }
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
    /// - Parameter settings: the function.
    /// - Throws: ``SystemError`` when descriptors have run out; nothing is left open.
    init(_ settings: FunctionSettings) throws(SystemError) {
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
            switch settings.wire {
            case .frames:
                let channel = try socketPair()
                ours.answers = try takeOurs(channel.ours)
                ours.events = ours.answers
                addBootstrap(settings, channel: channel.theirs, output: log.write)
            case .lines, .once:
                let events = try pipe(weRead: false)
                ours.events = try takeOurs(events.write)
                let answers = try pipe(weRead: true)
                ours.answers = try takeOurs(answers.read)
                addCommand(settings, events.read, answers.write, output: log.write)
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
    private mutating func addBootstrap(_ settings: FunctionSettings, channel: Int32, output: Int32) {
        let script = "/proc/self/fd/4"
        let limit = String(settings.responseLimit)
        switch settings.program {
        case .python(let interpreter, let file, let function):
            launch.program = interpreter
            launch.arguments = [interpreter, script, settings.directory, file, function, limit]
            launch.descriptors = [(channel, 3), (Bootstrap.python, 4), (output, 1), (output, 2)]
        case .node(let interpreter, let file, let function):
            // Node cannot move the channel away by itself; up to 15, libuv keeps it from what the function starts.
            let number = Int32.random(in: 5...15)
            launch.program = interpreter
            launch.arguments = [interpreter, "--preserve-symlinks-main"]
            if let memory = settings.memory { launch.arguments.append("--max-old-space-size=\(max(1, memory >> 20))") }
            launch.arguments += [script, settings.directory, file, function, limit, "1", String(number)]
            launch.descriptors = [(channel, number), (Bootstrap.node, 4), (output, 1), (output, 2)]
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

    private mutating func socketPair() throws(SystemError) -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError(call: "socketpair") }
        theirs.append(ends[1])
        return (ends[0], ends[1])
    }
}

/// The bootstraps as files in memory, made when the first instance needs one and shared by all.
enum Bootstrap {
    static let python = file("bootstrap.py", PackageResources.bootstrap_py)
    static let node = file("bootstrap.cjs", PackageResources.bootstrap_cjs)

    private static func file(_ name: String, _ bytes: [UInt8]) -> Int32 {
        let descriptor = bytes.withUnsafeBytes { try? Spawner.memoryFile(named: name, $0) }
        guard let descriptor else { preconditionFailure("no memory for \(name)") }
        return descriptor
    }
}
