internal import Glibc

/// Bytes that end where an unreadable page begins, so that a read beyond them ends the test with SIGSEGV.
public struct GuardedBytes: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    private let mapped: Int
    private let size: Int
    private let end: Int

    /// Room for up to `capacity` bytes.
    public init(capacity: Int) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        size = capacity
        end = (max(capacity, 1) + page - 1) / page * page
        mapped = end + page
        let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED, mprotect(memory + end, page, PROT_NONE) == 0 else {
            preconditionFailure("no memory for guarded bytes")
        }
        self.memory = memory
    }

    deinit { munmap(memory, mapped) }

    /// Puts `bytes` against the unreadable page and shows them there to `body`.
    public func with<Result, Failure: Error>(
        _ bytes: some Collection<UInt8>,
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(bytes.count <= size)
        let start = memory + end - bytes.count
        UnsafeMutableRawBufferPointer(start: start, count: bytes.count).copyBytes(from: bytes)
        return try body(UnsafeRawBufferPointer(start: start, count: bytes.count).bytes)
    }
}
