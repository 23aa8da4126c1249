import Glibc

/// The gateway's own folder (`state:`), locked as long as this object lives: one gateway a folder.
final class StateFolder {
    private let lock: Int32

    /// Makes the folder 0700 where there is none, and takes it.
    ///
    /// - Parameter path: the folder.
    /// - Throws: ``GatewayError`` where it is a link, another's, open to others, or in use.
    init(_ path: String) throws(GatewayError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw GatewayError("state: cannot make the folder \(path): \(String(cString: strerror(errno)))")
        }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else {
            let reason = errno == ELOOP || errno == ENOTDIR ? "it is not a folder" : String(cString: strerror(errno))
            throw GatewayError("state: cannot use \(path): \(reason)")
        }
        defer { close(folder) }
        try Self.check(folder, path)
        let lock = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw GatewayError("state: cannot write in \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw GatewayError("state: another gateway uses \(path); give this one a folder of its own")
        }
        self.lock = lock
    }

    deinit { close(lock) }

    private static func check(_ folder: Int32, _ path: String) throws(GatewayError) {
        var status = stat()
        guard fstat(folder, &status) == 0 else {
            throw GatewayError("state: cannot use \(path): \(String(cString: strerror(errno)))")
        }
        guard status.st_uid == geteuid() else { throw GatewayError("state: \(path) belongs to another user") }
        guard status.st_mode & 0o022 == 0 else {
            throw GatewayError("state: others may write to \(path); say `chmod 700 \(path)`")
        }
    }
}
