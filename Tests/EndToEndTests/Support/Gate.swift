import Synchronization

/// Something that a script waits for until the test opens it.
final class Gate: Sendable {
    private let state = Atomic<Bool>(false)

    /// Whether it has been opened.
    var isOpen: Bool { state.load(ordering: .acquiring) }

    /// Lets everybody through.
    func open() { state.store(true, ordering: .releasing) }
}
