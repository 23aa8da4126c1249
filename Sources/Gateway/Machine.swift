import CLinux
import Glibc

/// The number of cores that this process may use.
enum ProcessorCount {
    /// What the scheduler lets it use (`sched_getaffinity`), at least 1.
    static var usable: Int { Int(penstock_usable_cores()) }
}

/// The limit of open descriptors.
enum DescriptorLimit {
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
