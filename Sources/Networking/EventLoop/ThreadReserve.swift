internal import Dispatch
internal import Glibc
internal import PenstockSystem

/// Threads that do nothing but keep a stack for those that follow.
///
/// Where there is no thread to be had, Dispatch tries again and again, without a word, on the thread that has work for
/// it: a gateway would listen, serve nothing, and not be ended by SIGTERM. Whoever has such a reserve knows that there
/// are threads, and that nothing else takes the memory for them.
///
/// Belongs to the thread that made it.
final class ThreadReserve {
    private var threads: [(thread: pthread_t, gate: DispatchSemaphore)] = []

    /// Starts `count` threads.
    ///
    /// - Throws: ``SystemError`` where memory, or the number of threads, does not suffice.
    init(count: Int) throws(SystemError) {
        for _ in 0..<count {
            let gate = DispatchSemaphore(value: 0)
            let handed = Unmanaged.passRetained(gate)
            var thread = pthread_t()
            let error = pthread_create(
                &thread,
                nil,
                { gate in
                    if let gate { Unmanaged<DispatchSemaphore>.fromOpaque(gate).takeRetainedValue().wait() }
                    return nil
                },
                handed.toOpaque()
            )
            guard error == 0 else {
                handed.release()
                throw SystemError(call: "pthread_create", errno: error)
            }
            threads.append((thread, gate))
        }
    }

    deinit {
        while !threads.isEmpty { giveUpOne() }
    }

    /// Ends one of the threads: the C library gives its stack to the next one that starts.
    func giveUpOne() {
        guard let (thread, gate) = threads.popLast() else { return }
        gate.signal()
        pthread_join(thread, nil)
    }
}
