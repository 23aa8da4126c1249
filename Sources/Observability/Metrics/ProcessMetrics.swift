import Glibc
import PenstockSystem

/// What the kernel counts for this process, read when the metrics are.
enum ProcessMetrics {
    /// Reads them into the registry's cells.
    static func update(_ registry: MetricsRegistry) {
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            registry.counter(.processCPU).set(total: nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            registry.gauge(.processDescriptorLimit).set(Int(clamping: limit.rlim_cur))
        }
        if let pages = residentPages() { registry.gauge(.processMemory).set(pages * Int(getpagesize())) }
        if let count = openDescriptors() { registry.gauge(.processDescriptors).set(count) }
        if registry.value(.processStartTime) == 0, let start = startNanoseconds() {
            registry.gauge(.processStartTime).set(start)
        }
    }

    private static func nanoseconds(_ time: timeval) -> Int { time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000 }

    /// The second word of `/proc/self/statm`.
    private static func residentPages() -> Int? {
        let words = contents("/proc/self/statm").split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    /// Field 22 of `/proc/self/stat`, in ticks since the machine started; what stands before it may hold spaces, and
    /// ends with a parenthesis.
    private static func startNanoseconds() -> Int? {
        let stat = contents("/proc/self/stat")
        guard let close = stat.lastIndex(of: ")") else { return nil }
        let words = stat[close...].split(separator: " ")
        guard words.count > 20, let ticks = Int(words[20]) else { return nil }
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        let running = now.tv_sec * 1_000_000_000 + now.tv_nsec - ticks * (1_000_000_000 / sysconf(Int32(_SC_CLK_TCK)))
        return Int(MonotonicClock.wallNanoseconds()) - running
    }

    /// The entries of `/proc/self/fd`, without the one that reading it opens.
    private static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = -3  // ".", "..", and the folder itself
        while readdir(folder) != nil { count += 1 }
        return count
    }

    private static func contents(_ path: String) -> String {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return "" }
        let file = FileDescriptor(owning: number)
        return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { room in
            let count = (try? file.read(into: room)) ?? 0
            return String(decoding: room[..<count], as: UTF8.self)
        }
    }
}
