import Glibc

/// The one owner of an open file descriptor.
///
/// Not copyable, so there is never a second owner: it is closed exactly once, at the end of its scope. Borrow it to
/// use it; consume it to give it away.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number that the kernel knows it by.
    public let rawValue: Int32

    /// Takes ownership of `rawValue`, which nothing else may close.
    public init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "not an open descriptor")
        self.rawValue = rawValue
    }

    deinit { _ = Glibc.close(rawValue) }

    /// Gives the descriptor up without closing it; the caller owns it from here.
    public consuming func release() -> Int32 {
        let value = rawValue
        discard self
        return value
    }

    /// Reads at most `buffer.count` bytes.
    ///
    /// - Parameter buffer: where the bytes go.
    /// - Returns: the number of bytes read; 0 at end of stream; `nil` when nothing is ready yet.
    /// - Throws: ``SystemError`` for every other failure. `EINTR` is retried, never thrown.
    public borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        while true {
            let count = Glibc.read(rawValue, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            switch Glibc.errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw SystemError(call: "read")
            }
        }
    }

    /// Writes at most `buffer.count` bytes.
    ///
    /// - Parameter buffer: the bytes to write.
    /// - Returns: the number of bytes written, perhaps fewer than asked; `nil` when nothing fits now.
    /// - Throws: ``SystemError`` for every other failure. `EINTR` is retried, never thrown.
    public borrowing func write(_ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        while true {
            let count = Glibc.write(rawValue, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            switch Glibc.errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw SystemError(call: "write")
            }
        }
    }
}
