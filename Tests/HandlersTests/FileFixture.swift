import Glibc

/// A folder with files, gone when the test is.
final class FileFixture {
    let path: String
    var root: String { path + "/root" }

    init() {
        var template = Array("/tmp/penstock-files-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("no folder for the test") }
        path = String(cString: made)
        mkdir(root, 0o755)
    }

    deinit { remove(path) }

    /// Writes a file below the root, and the folders before it.
    func write(_ name: String, _ content: [UInt8]) {
        var folder = root
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(folder, 0o755)
        }
        guard let file = fopen("\(root)/\(name)", "w") else { preconditionFailure("cannot write \(name)") }
        fwrite(content, 1, content.count, file)
        fclose(file)
    }

    func write(_ name: String, _ content: String) { write(name, Array(content.utf8)) }

    /// Sets when a file was changed, in seconds since 1970.
    func touch(_ name: String, _ seconds: Int) {
        let time = timespec(tv_sec: seconds, tv_nsec: 500)
        _ = [time, time].withUnsafeBufferPointer { utimensat(AT_FDCWD, "\(root)/\(name)", $0.baseAddress, 0) }
    }

    private func remove(_ path: String) {
        guard let folder = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            if entry.pointee.d_type == UInt8(DT_DIR) { remove("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }
}
