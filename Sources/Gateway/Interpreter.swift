import Glibc
public import PenstockConfiguration
import PenstockSystem

/// Finds the program that an interpreter's name really stands for.
public enum Interpreter {
    /// Looks `name` up on PATH; where that is a script (pyenv's shim costs 100 ms a start), it is asked for the real one.
    ///
    /// - Parameter name: `python3`, `node`, or a path.
    /// - Returns: the path of a binary, or why there is none.
    public static func resolve(_ name: String) -> Result<String, FileSystem.Failure> {
        FileSystem.lookUp(name).flatMap { path in
            guard isScript(path) else { return .success(path) }
            let isNode = path.split(separator: "/").last?.contains("node") ?? false
            let question = isNode ? ["-p", "process.execPath"] : ["-c", "import sys; print(sys.executable)"]
            guard let answer = output(of: [path] + question), case .success(let real) = FileSystem.lookUp(answer) else {
                return .failure(
                    FileSystem.Failure("is a script (\(path)) that does not say which interpreter it starts")
                )
            }
            return .success(real)
        }
    }

    private static func isScript(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var magic: (UInt8, UInt8) = (0, 0)
        return Glibc.read(descriptor, &magic, 2) == 2 && magic == (0x23, 0x21)
    }

    /// The first line that a program prints; `nil` where it fails, prints nothing, or takes too long.
    private static func output(of arguments: [String]) -> String? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let child = spawn(arguments, output: ends[1])
        close(ends[1])
        guard let child else { return nil }
        let deadline = MonotonicClock.now() + patience
        let bytes = read(ends[0], until: deadline)
        guard end(child, until: bytes == nil ? MonotonicClock.now() : deadline) else { return nil }
        guard let line = bytes?.prefix(while: { $0 != 0x0A }), !line.isEmpty else { return nil }
        return String(decoding: line, as: UTF8.self)
    }

    /// Nanoseconds that a script may take to answer: who checks or reloads waits for it.
    private static let patience: Int64 = 5_000_000_000

    private static func spawn(_ arguments: [String], output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that what it has started ends with it.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        return posix_spawn(&child, arguments[0], &actions, &attributes, &pointers, environ) == 0 ? child : nil
    }

    /// Reads to the end; `nil` where that does not come in time, or only after more than any answer has.
    private static func read(_ descriptor: Int32, until deadline: Instant) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 65_536 {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let rest = deadline - MonotonicClock.now()
            guard rest > 0 else { return nil }
            guard poll(&waiting, 1, Int32(rest / 1_000_000 + 1)) > 0 else { continue }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
        return nil
    }

    /// Waits for a program, and ends it at the deadline; answers whether it has succeeded.
    private static func end(_ child: pid_t, until deadline: Instant) -> Bool {
        var status: Int32 = 0
        while waitpid(child, &status, WNOHANG) == 0 {
            if MonotonicClock.now() >= deadline { kill(-child, SIGKILL) }
            usleep(1000)
        }
        return status == 0
    }
}
