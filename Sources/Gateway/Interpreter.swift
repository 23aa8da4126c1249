import Glibc
public import PenstockConfiguration

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
        return read(descriptor, &magic, 2) == 2 && magic == (0x23, 0x21)
    }

    /// The first line that a program prints; `nil` where it fails, or prints nothing.
    private static func output(of arguments: [String]) -> String? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, arguments[0], &actions, nil, &pointers, environ)
        close(ends[1])
        guard result == 0 else { return nil }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 65_536 {
            let count = read(ends[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { return nil }
        let line = bytes.prefix { $0 != 0x0A }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}
