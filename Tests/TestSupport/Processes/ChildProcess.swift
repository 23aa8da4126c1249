internal import Glibc
internal import Synchronization

/// posix_spawn_file_actions_addclosefrom_np(3), which Swift's Glibc does not show.
@_silgen_name("posix_spawn_file_actions_addclosefrom_np") @discardableResult
private func addCloseFrom(_ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ first: Int32) -> Int32

/// A program that a test has started; what it prints goes to two files.
///
/// Whoever starts it ends it: ``end()`` is harmless when it has ended already.
public final class ChildProcess: Sendable {
    /// Its number.
    public let pid: Int32

    /// Where its standard output goes.
    public let outputPath: String

    /// Where its standard error goes.
    public let errorPath: String

    private let status = Mutex<Int32?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: the program, looked up on PATH, and its arguments.
    ///   - directory: where `NAME.out` and `NAME.err` are written, and where it runs if `folder` is not given.
    ///   - folder: where it runs.
    ///   - name: what these files are called.
    ///   - environment: added to the test's own.
    ///   - input: the file that is its standard input.
    /// - Throws: ``SupportError`` where it could not be started.
    public init(
        _ arguments: [String],
        in directory: String,
        runningIn folder: String? = nil,
        name: String = "process",
        environment: [String: String] = [:],
        input: String = "/dev/null"
    ) throws {
        outputPath = "\(directory)/\(name).out"
        errorPath = "\(directory)/\(name).err"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        // Tests that run at the same time leave it nothing of theirs: some count how many it can open.
        addCloseFrom(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = (["env", "-C", folder ?? directory] + arguments).map { strdup($0) } + [nil]
        let variables = Self.environment(adding: environment).map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, "env", &actions, &attributes, words, variables)
        guard code == 0 else { throw SupportError("cannot start \(arguments[0]): \(String(cString: strerror(code)))") }
        self.pid = pid
    }

    deinit { end() }

    private static func environment(adding added: [String: String]) -> [String] {
        var result = added.map { "\($0.key)=\($0.value)" }
        var entry = environ
        while let text = entry.pointee {
            let line = String(cString: text)
            let name = line.prefix { $0 != "=" }
            if added[String(name)] == nil { result.append(line) }
            entry += 1
        }
        return result
    }

    /// What it has printed.
    public var output: String { TemporaryFolder.contents(outputPath) }

    /// What it has printed to standard error.
    public var errors: String { TemporaryFolder.contents(errorPath) }

    /// Sends it a signal, if it still runs.
    public func signal(_ number: Int32) {
        if exitStatus == nil { kill(pid, number) }
    }

    /// Its exit code, 128 and the signal's number where one ended it; `nil` while it runs.
    public var exitStatus: Int32? {
        status.withLock { status in
            if let status { return status }
            var raw: Int32 = 0
            let result = waitpid(pid, &raw, WNOHANG)
            if result == pid { status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + raw & 0x7F }
            return status
        }
    }

    /// Waits until it ends.
    ///
    /// - Parameter seconds: how long, at most.
    /// - Returns: ``exitStatus``.
    /// - Throws: ``SupportError`` where it still runs then.
    public func waitForExit(seconds: Double = Deadline.patience) throws -> Int32 {
        try Deadline.wait(for: "the end of process \(pid)\n\(errors)", seconds: seconds) { exitStatus != nil }
        return exitStatus ?? -1
    }

    /// Ends it at once.
    public func end() {
        guard exitStatus == nil else { return }
        kill(pid, SIGKILL)
        let deadline = Deadline()
        while exitStatus == nil, !deadline.hasPassed { usleep(1000) }
    }

    /// Resident memory, in KiB, as `/proc` says; 0 where it has ended.
    public var residentKiB: Int { number(after: "VmRSS:") }

    /// The most memory that was ever resident, in KiB.
    public var peakResidentKiB: Int { number(after: "VmHWM:") }

    private func number(after key: String) -> Int {
        for line in TemporaryFolder.contents("/proc/\(pid)/status").split(separator: "\n") where line.hasPrefix(key) {
            return Int(line.dropFirst(key.count).split(whereSeparator: { $0 == " " || $0 == "\t" })[0]) ?? 0
        }
        return 0
    }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - arguments: the program, looked up on PATH, and its arguments.
    ///   - directory: where it runs; a folder of its own where there is none.
    ///   - environment: added to the test's own.
    ///   - input: what it reads from standard input.
    ///   - seconds: how long it may take.
    /// - Returns: what it printed, and its exit code.
    /// - Throws: ``SupportError`` where it could not be started, or did not end in time.
    public static func run(
        _ arguments: [String],
        in directory: String? = nil,
        environment: [String: String] = [:],
        input: String? = nil,
        seconds: Double = 60
    ) throws -> Outcome {
        let folder = try TemporaryFolder()
        if let input { try folder.write("input", input) }
        let process = try ChildProcess(
            arguments,
            in: folder.path,
            runningIn: directory,
            environment: environment,
            input: input == nil ? "/dev/null" : "\(folder.path)/input"
        )
        defer { process.end() }
        let status = try process.waitForExit(seconds: seconds)
        return Outcome(status: status, output: process.output, errors: process.errors)
    }

    /// How a program ended.
    public struct Outcome: Sendable {
        public let status: Int32
        public let output: String
        public let errors: String
    }
}
