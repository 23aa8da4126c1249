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
            read: { path, limit in
                readFromDisk(path, atMost: limit + 1).flatMap { bytes in
                    bytes.count <= limit
                        ? .success(bytes) : .failure(Failure("is longer than \(limit >> 10) KiB"))
                }
            },
            matches: matchesOnDisk,
            beginning: readFromDisk,
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

    private static func matchesOnDisk(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, GLOB_NOSORT, nil, &found) == 0 else { return [] }
        let paths = (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
        return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func readFromDisk(_ path: String, atMost limit: Int) -> Result<[UInt8], Failure> {
        // Non-blocking: to open a pipe that nobody writes to would take for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return .failure(Failure(reason(errno))) }
        defer { close(descriptor) }
        var mayLackWriter = isPipe(descriptor)
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let room = min(1 << 16, limit - bytes.count)
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
                count = Glibc.read(descriptor, buffer.baseAddress, room)
                filled = max(0, count)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                waitUntilReadable(descriptor, milliseconds: -1)
                continue
            }
            guard count >= 0 else { return .failure(Failure(reason(errno))) }
            if count == 0, bytes.isEmpty, mayLackWriter {
                // At its end because nobody writes to it yet: not readable. Where all writers have gone, it is.
                mayLackWriter = false
                guard waitUntilReadable(descriptor, milliseconds: 2000) else {
                    return .failure(Failure("is a pipe that nobody writes to"))
                }
                continue
            }
            guard count > 0 else { break }
            bytes += chunk
        }
        return .success(bytes)
    }

    private static func isPipe(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    @discardableResult
    private static func waitUntilReadable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, milliseconds) > 0
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
