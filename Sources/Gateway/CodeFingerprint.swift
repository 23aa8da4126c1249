import Glibc

/// What a function's files look like: equal when no file has come, gone or changed.
///
/// Names, sizes and times of change, not contents: a folder with a thousand files is looked through in milliseconds.
struct CodeFingerprint: Equatable {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private var rest: Int

    /// Whether there were not more entries than are looked at: otherwise nobody knows whether one has changed.
    var isWhole: Bool { rest > 0 }

    private static let skipped: Set<String> = [".", "..", "__pycache__", ".git", ".build", ".penstock"]

    /// Looks at files, and at everything below folders.
    ///
    /// - Parameters:
    ///   - paths: what has to be there; where one is a link, what it leads to.
    ///   - own: files and folders of the gateway, which are no code wherever they are.
    ///   - limit: the most entries to look at.
    init(_ paths: [String], except own: [String] = [], limit: Int = 100_000) {
        rest = limit
        let own = Set(own.map(Self.followed))
        for path in paths { add(Self.followed(path), except: own, depth: 0) }
    }

    private static func followed(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private mutating func add(_ path: String, except own: Set<String>, depth: Int) {
        var status = stat()
        guard isWhole, depth < 32, !own.contains(path), lstat(path, &status) == 0 else { return }
        rest -= 1
        mix(path)
        mix(UInt64(status.st_ino))
        // A folder's own time changes with what is skipped: Python makes `__pycache__` when it first runs.
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in Self.names(in: path) { add("\(path)/\(name)", except: own, depth: depth + 1) }
        } else {
            mix(UInt64(bitPattern: Int64(status.st_mtim.tv_sec)))
            mix(UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)))
            mix(UInt64(bitPattern: Int64(status.st_size)))
        }
    }

    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !skipped.contains(name) { names.append(name) }
        }
        return names.sorted()
    }

    /// FNV-1a, byte by byte.
    private mutating func mix(_ text: String) {
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    private mutating func mix(_ number: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            hash = (hash ^ (number >> UInt64(shift) & 0xFF)) &* 0x100_0000_01b3
        }
    }
}
