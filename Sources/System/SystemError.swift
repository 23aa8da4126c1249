public import Glibc

/// A system call that failed, and why.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, as in its manual page: `bind`.
    public let call: String

    /// The error number that the call left.
    public let errno: Int32

    /// Describes a failed call.
    public init(call: String, errno: Int32 = Glibc.errno) {
        self.call = call
        self.errno = errno
    }

    /// The reason in words, as `strerror` has it.
    public var reason: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let text = buffer.baseAddress, strerror_r(errno, text, buffer.count) == 0 else {
                return "error \(errno)"
            }
            return String(cString: text)
        }
    }

    /// Whether the process or the machine has nothing left of what the call needs: descriptors, memory.
    public var isExhaustion: Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) }

    /// `bind: Address already in use`.
    public var description: String { "\(call): \(reason)" }
}
