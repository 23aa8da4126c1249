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
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
