import Dispatch
import Glibc
public import PenstockBytes
public import PenstockSystem
import Synchronization

/// Where lines go.
public enum LogDestination: Hashable, Sendable {
    case standardOutput
    case standardError

    /// A file that is appended to, and made (0640) where there is none.
    case file(String)
}

/// Takes finished lines from any thread and writes them to one destination, on a queue of its own.
///
/// Whoever hands lines over never waits: what the destination has not taken yet is held up to a limit, and above it
/// lines are dropped and counted. The first lines after a pause are written at once, the next ones together every 10 ms.
/// The program has to ignore SIGPIPE.
public final class LogWriter: Sendable {
    private struct Pending: ~Copyable, @unchecked Sendable {  // its buffers own their memory, under the lock
        var bytes = ByteBuffer()
        var lines = 0

        /// Memory for the next lines while the last ones are written.
        var spare = ByteBuffer()

        /// Whether a drain is on the queue, and will see what is added.
        var isScheduled = false
    }

    /// Where lines are written, and whether that went wrong the last time.
    private struct Output {
        var descriptor: Int32
        var isFailing = false
    }

    /// How many bytes are held while the destination does not take them.
    private static let limit = 4 << 20
    private static let pause = DispatchTimeInterval.milliseconds(10)

    /// The memory that a burst of lines leaves behind, at most.
    private static let keptCapacity = 256 << 10

    public let destination: LogDestination
    private let pending = Mutex(Pending())
    private let output: Mutex<Output>
    private let queue: DispatchQueue
    private let dropped: Counter?
    private let changed: (@Sendable (SystemError?) -> Void)?

    /// Opens the destination.
    ///
    /// - Parameters:
    ///   - destination: where lines go.
    ///   - dropped: counts the lines that were not written.
    ///   - changed: is told once that writing fails, and once, with `nil`, that it works again; on the writer's queue.
    /// - Throws: ``SystemError`` when the file cannot be opened for writing.
    public init(
        _ destination: LogDestination,
        dropped: Counter? = nil,
        changed: (@Sendable (SystemError?) -> Void)? = nil
    ) throws(SystemError) {
        self.destination = destination
        self.dropped = dropped
        self.changed = changed
        self.output = Mutex(Output(descriptor: try Self.open(destination)))
        self.queue = DispatchQueue(label: "penstock.log")
    }

    deinit {
        output.withLock { if $0.descriptor > 2 { _ = Glibc.close($0.descriptor) } }
    }

    /// Takes all of `lines`, which end with line feeds, and empties the buffer.
    ///
    /// - Parameters:
    ///   - lines: whole lines; empty afterwards, its memory kept.
    ///   - count: how many they are.
    public func submit(_ lines: inout ByteBuffer, count: Int) {
        guard !lines.isEmpty else { return }
        let isFirst = pending.withLock { pending in
            guard pending.bytes.count + lines.count <= Self.limit else {
                dropped?.addShared(count)
                return false
            }
            pending.bytes.append(lines.readable)
            pending.lines += count
            defer { pending.isScheduled = true }
            return !pending.isScheduled
        }
        lines.removeAll()
        if isFirst { queue.async { self.drain() } }
    }

    /// Waits until everything handed over so far is written, or until `seconds` have passed: a destination that takes
    /// nothing must not keep the program alive.
    public func flush(seconds: Double) {
        let done = DispatchSemaphore(value: 0)
        queue.async {
            self.writePending()
            done.signal()
        }
        _ = done.wait(timeout: .now() + seconds)
    }

    /// Opens the file anew, after a rotation has renamed it; the old one stays in use where that fails.
    ///
    /// Lines that wait for the writer still go to the old file.
    ///
    /// - Throws: ``SystemError`` when the file cannot be opened for writing.
    public func reopen() throws(SystemError) {
        guard case .file = destination else { return }
        let fresh = try Self.open(destination)
        queue.async {
            self.writePending()
            let old = self.output.withLock { output in
                defer { output.descriptor = fresh }
                return output.descriptor
            }
            _ = Glibc.close(old)
        }
    }

    /// Writes what is there, and looks again after a pause, until there is nothing.
    ///
    /// The pause comes even where all is written: who hands over the next lines would wake this thread for each of them,
    /// which costs more than to make them.
    private func drain() {
        writePending()
        queue.asyncAfter(deadline: .now() + Self.pause) {
            let isDone = self.pending.withLock { pending in
                if pending.bytes.isEmpty { pending.isScheduled = false }
                return !pending.isScheduled
            }
            if !isDone { self.drain() }
        }
    }

    private func writePending() {
        var taken = ByteBuffer()
        let lines = pending.withLock { pending in
            swap(&taken, &pending.bytes)
            swap(&pending.bytes, &pending.spare)
            defer { pending.lines = 0 }
            return pending.lines
        }
        write(&taken, lines)
        taken.removeAll()
        guard taken.capacity <= Self.keptCapacity else { return }
        pending.withLock { swap(&taken, &$0.spare) }
    }

    private func write(_ taken: inout ByteBuffer, _ lines: Int) {
        let number = output.withLock { $0.descriptor }
        while !taken.isEmpty {
            let count = Glibc.write(number, taken.readable.baseAddress, taken.count)
            if count > 0 {
                taken.consume(count)
                note(failure: nil)
            } else if count < 0, errno == EAGAIN {
                waitUntilWritable(number)
            } else if errno != EINTR {
                note(failure: SystemError(call: "write"))
                dropped?.addShared(min(lines, taken.readable.count { $0 == ASCII.lineFeed }))
                return
            }
        }
    }

    /// Tells of a change from lines that are written to lines that are not, and back.
    private func note(failure: SystemError?) {
        let isChange = output.withLock { output in
            defer { output.isFailing = failure != nil }
            return output.isFailing != (failure != nil)
        }
        if isChange { changed?(failure) }
    }

    /// Another process may have made a shared terminal or pipe non-blocking.
    private func waitUntilWritable(_ number: Int32) {
        var poll = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        _ = Glibc.poll(&poll, 1, 1_000)
    }

    private static func open(_ destination: LogDestination) throws(SystemError) -> Int32 {
        switch destination {
        case .standardOutput: return STDOUT_FILENO
        case .standardError: return STDERR_FILENO
        case .file(let path):
            // Non-blocking, so that a pipe without a reader is an error and no wait for ever.
            let number = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o640)
            guard number >= 0 else { throw SystemError(call: "open \(path)") }
            return number
        }
    }
}
