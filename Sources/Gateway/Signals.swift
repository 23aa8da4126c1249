import CLinux
import Glibc
import PenstockSystem
import Synchronization

/// The signals that the control thread waits for, whichever thread of the process they come to.
///
/// A program that embeds the gateway may have threads that block no signal, and children that must not inherit blocked
/// ones: so a handler writes the number into a pipe. One object at a time; what was there before comes back with its end.
final class Signals {
    private static let numbers = [SIGTERM, SIGINT, SIGHUP]

    /// No signal, but the number of ``wake()``.
    static let request: Int32 = 255

    /// The end that the handler writes to.
    private static let entrance = Atomic<Int32>(-1)

    private let exit: FileDescriptor
    private let entrance: FileDescriptor
    private var before: [sigaction] = []

    /// Numbers that were looked at, and not taken yet.
    private var seen: [Int32] = []

    /// Takes the signals over; SIGPIPE is ignored from now on.
    ///
    /// - Throws: ``GatewayError`` when descriptors have run out.
    init() throws(GatewayError) {
        var ends: [Int32] = [-1, -1]
        guard penstock_pipe_nonblocking(&ends) == 0 else {
            throw GatewayError("cannot wait for signals: \(SystemError(call: "pipe2"))")
        }
        exit = FileDescriptor(owning: ends[0])
        entrance = FileDescriptor(owning: ends[1])
        Self.entrance.store(ends[1], ordering: .releasing)
        signal(SIGPIPE, SIG_IGN)
        for number in Self.numbers { before.append(Self.handle(number)) }
    }

    deinit {
        for (number, action) in zip(Self.numbers, before) {
            var action = action
            sigaction(number, &action, nil)
        }
        Self.entrance.store(-1, ordering: .releasing)
    }

    private static func handle(_ number: Int32) -> sigaction {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            let saved = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(Signals.entrance.load(ordering: .acquiring), &byte, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        var old = sigaction()
        sigaction(number, &action, &old)
        return old
    }

    /// Ends a wait with ``request``, from any thread.
    static func wake() {
        var byte = UInt8(request)
        _ = write(entrance.load(ordering: .acquiring), &byte, 1)
    }

    /// The next signal.
    func wait() -> Int32 {
        while true {
            let number = wait(milliseconds: -1)
            if number > 0 { return number }
        }
    }

    /// Whether a signal has come that ends the gateway, and nobody has taken it.
    var isEndPending: Bool {
        while true {
            let number = receive(milliseconds: 0)
            guard number > 0 else { break }
            seen.append(number)
        }
        return seen.contains { $0 == SIGTERM || $0 == SIGINT }
    }

    /// The next signal, or 0 when none came in time; -1 waits for ever, but for an interruption.
    func wait(milliseconds: Int32) -> Int32 {
        seen.isEmpty ? receive(milliseconds: milliseconds) : seen.removeFirst()
    }

    private func receive(milliseconds: Int32) -> Int32 {
        var waiting = pollfd(fd: exit.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) > 0 else { return 0 }
        var byte: UInt8 = 0
        return read(exit.rawValue, &byte, 1) == 1 ? Int32(byte) : 0
    }
}
