import Glibc
import PenstockBytes

/// Ends what a dead spawner has left: nobody is left below whom it could be found, so it is known by a mark in its
/// environment.
///
/// Only for the case that somebody killed the spawner itself; its instances have died with it (PR_SET_PDEATHSIG), what
/// they had started has not.
enum OrphanSweep {
    /// The variable that carries the mark.
    static let name = "PENSTOCK_SPAWNER"

    /// Kills every process that carries `mark`, until there is none or ten looks have passed.
    static func killAll(marked mark: String) {
        let wanted = Array("\(name)=\(mark)".utf8)
        for _ in 0..<10 where !kill(wanted) { return }
    }

    /// Looks at every process once.
    ///
    /// - Returns: whether one was found.
    private static func kill(_ wanted: [UInt8]) -> Bool {
        guard let processes = opendir("/proc") else { return false }
        defer { closedir(processes) }
        var bytes = [UInt8](repeating: 0, count: 131_072)
        var found = false
        while let entry = readdir(processes) {
            let pid = withUnsafeBytes(of: &entry.pointee.d_name) { parse($0) }
            guard pid > 1, pid != getpid() else { continue }
            let file = open("/proc/\(pid)/environ", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            let count = read(file, &bytes, bytes.count)
            close(file)
            guard count > 0, bytes[..<count].split(separator: 0).contains(where: { $0.elementsEqual(wanted) }) else {
                continue
            }
            found = Glibc.kill(pid, SIGKILL) == 0 || found
        }
        return found
    }

    private static func parse(_ name: UnsafeRawBufferPointer) -> pid_t {
        var value: pid_t = 0
        for byte in name.prefix(while: { $0 != 0 }) {
            guard ASCII.isDigit(byte), value < 100_000_000 else { return 0 }
            value = value * 10 + pid_t(byte - ASCII.zero)
        }
        return value
    }
}
