/// A question that a ``NameResolver`` was asked; on its loop only.
public final class NameQuestion {
    private let resolver: NameResolver
    private var begin: ((NameQuestion) -> Void)?
    private var channel: NameServerChannel?

    /// Whether whoever asked still waits for an answer.
    private(set) var isOpen = true

    /// Whether its turn has come.
    private(set) var isAsking = false

    /// A question to `resolver`, which `begin` asks when its turn has come.
    init(to resolver: NameResolver, _ begin: @escaping (NameQuestion) -> Void) {
        self.resolver = resolver
        self.begin = begin
    }

    /// Nobody is called any more, and nothing more is asked.
    ///
    /// Nothing happens where the answer has been given.
    public func cancel() { end() }

    /// Its turn has come.
    func start() {
        isAsking = true
        begin?(self)
        begin = nil
    }

    /// What its lookups go through.
    func servers() -> NameServerChannel {
        if let channel { return channel }
        let channel = NameServerChannel(on: resolver.loop, resolver.settings)
        self.channel = channel
        return channel
    }

    /// Calls `deliver` soon, when c-ares is not on the stack any more: a channel must not be closed beneath itself.
    func finish(_ deliver: @escaping () -> Void) {
        guard isOpen else { return }
        resolver.loop.flushInTurn(
            Delivery {
                guard self.isOpen else { return }
                self.end()
                deliver()
            }
        )
    }

    private func end() {
        guard isOpen else { return }
        isOpen = false
        begin = nil
        channel?.close()
        channel = nil
        resolver.ended(self)
    }
}

/// Something to be done in one of the loop's next rounds.
private final class Delivery: Flushable {
    private let work: () -> Void

    init(_ work: @escaping () -> Void) { self.work = work }

    func flush() { work() }
}
