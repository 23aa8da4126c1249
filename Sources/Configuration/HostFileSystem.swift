internal import Glibc

extension FileSystem {
    /// The files of this machine.
    ///
    /// - Parameter resolveInterpreter: finds the real interpreter behind a name; by default a look-up on PATH alone.
    /// - Returns: closures over the system's calls, for any thread.
    public static func host(
        resolveInterpreter: @escaping @Sendable (String) -> Result<String, Failure> = FileSystem.lookUp
    ) -> FileSystem {
        FileSystem(
            kind: kindOnDisk,
            isExecutable: { access($0, X_OK) == 0 },
            read: readFromDisk,
            resolveInterpreter: resolveInterpreter,
            findProgram: lookUp
        )
    }

    /// Finds a program as a shell does: on PATH, or by its path where the name has a slash.
    public static let lookUp: @Sendable (String) -> Result<String, Failure> = { name in
        if name.utf8.contains(0x2F) {
            guard kindOnDisk(name) != .missing else { return .failure(Failure("does not exist")) }
            return isProgram(name) ? .success(name) : .failure(Failure("is not executable"))
        }
        let path = Surroundings.processVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":") where isProgram("\(folder)/\(name)") {
            return .success("\(folder)/\(name)")
        }
        return .failure(Failure("was not found on PATH"))
    }

    private static func isProgram(_ path: String) -> Bool {
        kindOnDisk(path) == .file && access(path, X_OK) == 0
    }

    private static func kindOnDisk(_ path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .other
        }
    }

    private static func readFromDisk(_ path: String, limit: Int) -> Result<[UInt8], Failure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Failure(reason(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let room = min(1 << 16, limit + 1 - bytes.count)
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
                count = Glibc.read(descriptor, buffer.baseAddress, room)
                filled = max(0, count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(Failure(reason(errno))) }
            guard count > 0 else { return .success(bytes) }
            bytes += chunk
        }
        return .failure(Failure("is longer than \(limit >> 10) KiB"))
    }

    private static func reason(_ number: Int32) -> String {
        switch number {
        case ENOENT: "does not exist"
        case EISDIR: "is a folder"
        case EACCES, EPERM: "may not be read"
        default: "cannot be read (\(String(cString: strerror(number))))"
        }
    }
}
