import CLinux
import Glibc
import PenstockSystem

/// How a loop sends what has gathered in a round.
public enum SendMethod: Sendable {
    /// A system call each.
    case oneByOne

    /// All in one system call, by io_uring(7).
    case ring
}

/// Those who want to send when the round is over.
struct SendBatch: ~Copyable {
    private let ring: OpaquePointer?
    private var waiting: [any Sender] = []
    private var spare: [any Sender] = []
    private var sends: [penstock_send] = []

    /// - Throws: ``SystemError``: `io_uring_setup`, where the kernel has none or forbids it.
    init(_ method: SendMethod) throws(SystemError) {
        guard method == .ring else {
            ring = nil
            return
        }
        ring = penstock_send_ring_open()
        guard ring != nil else { throw SystemError(call: EventLoop.ringCall) }
    }

    deinit { if let ring { penstock_send_ring_close(ring) } }

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ source: any Sender) { waiting.append(source) }

    /// Sends what all of them have.
    ///
    /// - Returns: them; give the array back to ``reuse(_:)``.
    mutating func send() -> [any Sender] {
        let sources = waiting
        waiting = spare
        spare = []
        sends.removeAll(keepingCapacity: true)
        for source in sources {
            let (socket, bytes) = source.unsent
            let count = UInt32(clamping: min(bytes.count, Int(Int32.max)))
            sends.append(penstock_send(socket: socket, result: 0, bytes: bytes.baseAddress, count: count))
        }
        sends.withUnsafeMutableBufferPointer { penstock_send_all(ring, $0.baseAddress, $0.count) }
        for (index, source) in sources.enumerated() where sends[index].count > 0 {
            let result = sends[index].result
            let mayRetry = result == -EAGAIN || result == -EINTR
            source.sent(
                max(0, Int(result)),
                result < 0 && !mayRetry ? SystemError(call: "send", errno: -result) : nil
            )
        }
        return sources
    }

    /// Takes the memory of an array that ``send()`` has handed out.
    mutating func reuse(_ sources: consuming [any Sender]) {
        sources.removeAll(keepingCapacity: true)
        spare = sources
    }
}
