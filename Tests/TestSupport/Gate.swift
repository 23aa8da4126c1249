internal import Glibc
internal import Synchronization

/// Something that a script or a thread waits for until the test opens it.
public final class Gate: Sendable {
    private let state = Atomic<Bool>(false)

    /// A gate that is shut.
    public init() {}

    /// Whether it has been opened.
    public var isOpen: Bool { state.load(ordering: .acquiring) }

    /// Lets everybody through.
    public func open() { state.store(true, ordering: .releasing) }

    /// Waits until it is open.
    public func pass() { while !isOpen { usleep(500) } }
}
