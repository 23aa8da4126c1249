import Glibc

/// A folder of one test, gone when the test is.
public final class TemporaryFolder: Sendable {
    /// Its absolute path.
    public let path: String

    /// Makes the folder.
    public init() throws {
        var template = Array("/tmp/penstock-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SupportError.system("mkdtemp") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { Self.remove(path) }

    /// Writes a file, and the folders before it.
    ///
    /// - Parameters:
    ///   - name: its path in the folder.
    ///   - content: what it holds then.
    ///   - mode: its permissions.
    /// - Throws: ``SupportError``.
    public func write(_ name: String, _ content: String, mode: UInt32 = 0o644) throws {
        try write(name, Array(content.utf8), mode: mode)
    }

    /// The same for what is no text.
    public func write(_ name: String, _ content: [UInt8], mode: UInt32 = 0o644) throws {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(folder, 0o755)
        }
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SupportError.system("open \(name)") }
        defer { close(descriptor) }
        fchmod(descriptor, mode)
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw SupportError.system("write \(name)") }
            rest = rest.dropFirst(count)
        }
    }

    /// Puts a file in the place of another one at once, so that nobody reads half of it.
    public func replace(_ name: String, _ content: String) throws {
        try write("\(name).new", content)
        guard rename("\(path)/\(name).new", "\(path)/\(name)") == 0 else { throw SupportError.system("rename \(name)") }
    }

    /// What a file in the folder holds; empty where there is none.
    public func read(_ name: String) -> String { Self.contents("\(path)/\(name)") }

    /// Whether there is a file, or a folder, of this name.
    public func has(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    /// The names of what is in the folder.
    public var names: [String] { Self.names(in: path) }

    /// What the file at `path` holds; empty where there is none.
    public static func contents(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: content, as: UTF8.self) }
            content += buffer[..<count]
        }
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        for name in names(in: path) { remove("\(path)/\(name)") }
        rmdir(path)
    }

    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
