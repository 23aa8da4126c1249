import CLinux
import Glibc
import PenstockSystem
import Synchronization

/// Work from other threads for one loop: a locked list, and an eventfd that is written only when the list was empty.
final class Mailbox: Sendable {
    let descriptor: Int32
    private let pending = Mutex<[@Sendable () -> Void]>([])

    init() throws(SystemError) {
        descriptor = penstock_eventfd()
        guard descriptor >= 0 else { throw SystemError(call: "eventfd") }
    }

    deinit { close(descriptor) }

    func post(_ work: @escaping @Sendable () -> Void) {
        let wasEmpty = pending.withLock { list in
            list.append(work)
            return list.count == 1
        }
        guard wasEmpty else { return }
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func take() -> [@Sendable () -> Void] {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        return pending.withLock { list in
            let taken = list
            list = []
            return taken
        }
    }
}
