import Glibc
import PenstockConfiguration
import PenstockNetworking
import PenstockSystem

/// The gateway's own folder (`state:`), locked as long as this object lives: one gateway a folder.
final class StateFolder {
    private let path: String
    private let folder: FileDescriptor
    private let lock: FileDescriptor

    /// Makes the folder 0700 where there is none, and takes it.
    ///
    /// - Parameter path: the folder.
    /// - Throws: ``GatewayError`` where it is a link, another's, open to others, or in use.
    init(_ path: String) throws(GatewayError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw GatewayError("state: cannot make the folder \(path): \(String(cString: strerror(errno)))")
        }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else {
            let reason = errno == ELOOP || errno == ENOTDIR ? "it is not a folder" : String(cString: strerror(errno))
            throw GatewayError("state: cannot use \(path): \(reason)")
        }
        self.folder = FileDescriptor(owning: folder)
        try Self.check(folder, path)
        let lock = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw GatewayError("state: cannot write in \(path): \(String(cString: strerror(errno)))")
        }
        self.lock = FileDescriptor(owning: lock)
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw GatewayError("state: another gateway uses \(path); give this one a folder of its own")
        }
    }

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

    // MARK: The control socket

    private static let controlName = "control.sock"

    /// Where the gateway takes commands of its own user.
    var controlAddress: Address {
        let plain = "\(path)/\(Self.controlName)"
        // sun_path has 108 bytes, and the folder's path may have more.
        return .unix(plain.utf8.count < 108 ? plain : Self.controlPath(in: folder.rawValue))
    }

    /// The control socket in an open folder, whatever the length of that folder's path.
    static func controlAddress(in folder: Int32) -> SocketAddress? { SocketAddress(path: controlPath(in: folder)) }

    private static func controlPath(in folder: Int32) -> String { "/proc/self/fd/\(folder)/\(controlName)" }

    // MARK: The operators' token

    private static let tokenName = "token"

    /// What operators show the admin listener who come over TCP: made once, and read by the owner alone.
    ///
    /// - Throws: ``GatewayError`` where the file is no such secret.
    func token() throws(GatewayError) -> String {
        let made = openat(folder.rawValue, Self.tokenName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 { return try makeToken(FileDescriptor(owning: made)) }
        let file = openat(folder.rawValue, Self.tokenName, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw unusable(String(cString: strerror(errno))) }
        return try readToken(FileDescriptor(owning: file))
    }

    private func makeToken(_ file: consuming FileDescriptor) throws(GatewayError) -> String {
        var random = SystemRandomNumberGenerator()
        let text = (0..<4).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        var line = text + "\n"
        let written = line.withUTF8 { write(file.rawValue, $0.baseAddress, $0.count) }
        guard written == line.utf8.count else { throw unusable(String(cString: strerror(errno))) }
        return text
    }

    private func readToken(_ file: consuming FileDescriptor) throws(GatewayError) -> String {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else { throw unusable("it is not a file that its owner alone can read") }
        let bytes = withUnsafeTemporaryAllocation(byteCount: 257, alignment: 1) { buffer in
            let count = read(file.rawValue, buffer.baseAddress, buffer.count)
            return Array(buffer[..<max(0, count)])
        }
        let text = String(decoding: bytes.last == 0x0A ? bytes.dropLast() : bytes[...], as: UTF8.self)
        guard (32...256).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw unusable("it is no token: 32 to 256 characters without spaces")
        }
        return text
    }

    private func unusable(_ reason: String) -> GatewayError {
        GatewayError("state: cannot use \(path)/\(Self.tokenName): \(reason); remove it for a new one")
    }
}
