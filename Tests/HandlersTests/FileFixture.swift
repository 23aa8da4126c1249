import Glibc
import TestSupport

/// A folder with files, gone when the test is.
final class FileFixture {
    private let folder: TemporaryFolder
    var path: String { folder.path }
    var root: String { path + "/root" }

    init() throws {
        folder = try TemporaryFolder()
        mkdir(root, 0o755)
    }

    /// Writes a file below the root, and the folders before it.
    func write(_ name: String, _ content: [UInt8]) throws { try folder.write("root/\(name)", content) }

    func write(_ name: String, _ content: String) throws { try folder.write("root/\(name)", content) }

    /// Sets when a file was changed, in seconds since 1970.
    func touch(_ name: String, _ seconds: Int) {
        let time = timespec(tv_sec: seconds, tv_nsec: 500)
        _ = [time, time].withUnsafeBufferPointer { utimensat(AT_FDCWD, "\(root)/\(name)", $0.baseAddress, 0) }
    }
}
