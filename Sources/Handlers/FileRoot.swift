internal import CLinux
internal import Glibc
internal import PenstockBytes
internal import PenstockSystem

/// A folder whose files may be served, and nothing else: no way out by `..`, absolute paths or links.
///
/// The kernel walks the path (`openat2` with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS); where it is too old for that, or
/// a sandbox forbids it, the path is walked here, segment by segment.
struct FileRoot: ~Copyable {
    private let directory: FileDescriptor

    /// Opens the folder, which may itself be reached by links.
    init(_ path: String) throws(SystemError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(call: "open") }
        directory = FileDescriptor(owning: descriptor)
    }

    /// Opens what is at `path`, for reading; never waits for a pipe or a device.
    ///
    /// - Parameter path: decoded, relative, without empty and dot segments, with a final 0; empty for the folder itself.
    /// - Returns: a file, a folder, or whatever else there is.
    /// - Throws: ``SystemError``.
    borrowing func open(_ path: UnsafePointer<CChar>) throws(SystemError) -> FileDescriptor {
        guard path.pointee != 0 else { return try reopen() }
        let descriptor = penstock_open_beneath(directory.rawValue, path)
        if descriptor >= 0 { return FileDescriptor(owning: descriptor) }
        guard errno == ENOSYS || errno == EPERM else { throw SystemError(call: "openat2") }
        return try walk(path)
    }

    private borrowing func reopen() throws(SystemError) -> FileDescriptor {
        let descriptor = openat(directory.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(call: "openat") }
        return FileDescriptor(owning: descriptor)
    }

    /// Opens one segment after the other, none of them a link.
    borrowing func walk(_ path: UnsafePointer<CChar>) throws(SystemError) -> FileDescriptor {
        var current = try reopen()
        let segments = String(cString: path).split(separator: "/")
        for (index, segment) in segments.enumerated() {
            guard segment != ".." && segment != "." else { throw SystemError(call: "openat", errno: EXDEV) }
            let kind = index < segments.count - 1 ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY
            let descriptor = openat(current.rawValue, String(segment), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | kind)
            guard descriptor >= 0 else { throw SystemError(call: "openat") }
            current = FileDescriptor(owning: descriptor)
        }
        return current
    }
}

/// An open file, and what the kernel says about it.
struct OpenFile: ~Copyable {
    let descriptor: FileDescriptor
    let status: stat

    init(_ descriptor: consuming FileDescriptor) throws(SystemError) {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else { throw SystemError(call: "fstat") }
        self.descriptor = descriptor
        self.status = status
    }

    /// Gives the descriptor alone.
    consuming func intoDescriptor() -> FileDescriptor { descriptor }

    var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { status.st_mode & S_IFMT == S_IFDIR }
}
