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
