import Glibc
import TestSupport

/// The machine's processes, as /proc shows them.
enum Processes {
    /// Whether a process is there and not a zombie.
    static func isRunning(_ pid: Int32) -> Bool { parent(of: pid) != nil }

    /// The parent of a process that runs.
    private static func parent(of pid: Int32) -> Int32? {
        let stat = TemporaryFolder.contents("/proc/\(pid)/stat")
        // The name before may have anything in it.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let words = stat[end...].split(separator: " ")
        return words.count > 2 && words[1] != "Z" ? Int32(words[2]) : nil
    }

    /// All processes below `pid`.
    static func descendants(of pid: Int32) -> [Int32] {
        var parents: [Int32: Int32] = [:]
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let child = Int32(name) { parents[child] = parent(of: child) }
        }
        var found: [Int32] = []
        var level = [pid]
        while !level.isEmpty {
            level = parents.filter { level.contains($0.value) }.map(\.key)
            found += level
        }
        return found
    }

    /// What a process was called with.
    static func command(_ pid: Int32) -> String { TemporaryFolder.contents("/proc/\(pid)/cmdline") }

    /// Waits until none of these runs.
    static func waitForEnd(of pids: [Int32]) throws {
        try Deadline.wait(for: "the end of \(pids.filter(isRunning).map { "\($0) \(command($0))" })") {
            !pids.contains(where: isRunning)
        }
    }
}

extension GatewayProcess {
    /// The spawner of its instances.
    func spawner() throws -> Int32 {
        let found = Processes.descendants(of: process.pid).first { Processes.command($0).hasPrefix("penstock-spawn") }
        guard let found else { throw SupportError("no spawner below \(process.pid)") }
        return found
    }
}
