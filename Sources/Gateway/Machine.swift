import CLinux
import Glibc

/// The number of cores that this process may use.
enum ProcessorCount {
    /// What the scheduler lets it use (`sched_getaffinity`), within the time that its cgroup gives it; at least 1.
    static var usable: Int {
        let cores = Int(penstock_usable_cores())
        return min(cores, quota(groups: SmallFile.text("/proc/self/cgroup"), root: "/sys/fs/cgroup") ?? cores)
    }

    /// The processor time of a cgroup and those that it is in, in whole cores, rounded up: containers are limited so.
    ///
    /// - Parameters:
    ///   - groups: what `/proc/self/cgroup` says.
    ///   - root: where cgroups of version 2 are mounted.
    /// - Returns: at least 1; `nil` where there is no limit.
    static func quota(groups: String, root: String) -> Int? {
        guard let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let names = line.dropFirst("0::/".count).split(separator: "/").map(String.init)
        var least: Int?
        for depth in 0...names.count {
            let folder = ([root] + names.prefix(depth)).joined(separator: "/")
            // `MICROSECONDS PERIOD`, or `max PERIOD`.
            let words = SmallFile.text(folder + "/cpu.max").split(whereSeparator: \.isWhitespace)
            guard words.count == 2, let time = Int(words[0]), let period = Int(words[1]), period > 0 else { continue }
            let cores = max(1, (time - 1) / period + 1)
            least = min(least ?? cores, cores)
        }
        return least
    }
}

/// What the kernel says in files of a line or two.
private enum SmallFile {
    /// The text; empty where there is none.
    static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

/// The limit of open descriptors.
enum DescriptorLimit {
    /// Below this a gateway cannot do much: each connection, instance, listener and loop has a few.
    static let low: UInt64 = 256

    /// Raises the soft limit to the hard one; a gateway holds a descriptor for each connection.
    ///
    /// - Returns: the limits as they were; 0 where they are not known.
    static func raise() -> (soft: UInt64, hard: UInt64) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return (0, 0) }
        let found = (soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return found
    }
}

/// The heap of the C library.
enum Heap {
    /// Lets the system have large buffers back as soon as they are freed.
    ///
    /// Otherwise malloc learns from the first ones to keep them all: after 3,000 uploads of 300 KB the gateway held
    /// 485 MiB, with this 18 MiB.
    static func returnLargeBuffers() { _ = penstock_mmap_threshold(65_536) }
}
