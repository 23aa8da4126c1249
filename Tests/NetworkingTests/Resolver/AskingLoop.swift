import Dispatch
import PenstockNetworking
import Synchronization
import TestSupport

/// A loop with a resolver that a test asks, and waits for.
final class AskingLoop: Sendable {
    typealias Addresses = Result<NameAnswer<SocketAddress>, ResolutionError>
    typealias Services = Result<NameAnswer<Service>, ResolutionError>

    private let loop: EventLoop
    private let resolver: OnLoop<NameResolver>

    /// Only ever touched on the loop.
    private struct OnLoop<Value>: @unchecked Sendable { let value: Value }

    private final class Box<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
        let filled = DispatchSemaphore(value: 0)
    }

    /// Patient enough for a server that answers, and soon done with one that does not.
    init(_ servers: ScriptedNameServer..., change: (inout ResolverSettings) -> Void = { _ in }) throws {
        var settings = ResolverSettings()
        settings.servers = servers.map { SocketAddress(ipv4: [127, 0, 0, 1], port: $0.port) }
        settings.timeout = 5_000_000_000
        change(&settings)
        let loop = try EventLoop(index: 0)
        self.loop = loop
        resolver = OnLoop(value: NameResolver(on: loop, settings: settings))
        TestThread.start { loop.run() }
    }

    deinit { loop.stop() }

    /// Runs `work` on the loop and waits for what it answers, then or later.
    func wait<Value: Sendable>(
        _ work: @escaping @Sendable (NameResolver, @escaping @Sendable (Value) -> Void) -> Void
    ) throws -> Value {
        let box = Box<Value>()
        loop.submit { [resolver] in
            work(resolver.value) { value in
                box.value.withLock { $0 = value }
                box.filled.signal()
            }
        }
        guard box.filled.wait(timeout: .now() + Deadline.patience) == .success, let value = box.value.withLock({ $0 })
        else { throw SupportError("no answer in \(Deadline.patience) s") }
        return value
    }

    func addresses(of host: String, port: UInt16 = 80) throws -> Addresses {
        try wait { resolver, answer in resolver.addresses(of: host, port: port) { answer($0) } }
    }

    func services(of name: String) throws -> Services {
        try wait { resolver, answer in resolver.services(of: name) { answer($0) } }
    }
}

extension Result where Failure == ResolutionError {
    var failure: ResolutionError? {
        if case .failure(let error) = self { error } else { nil }
    }
}

extension Result<NameAnswer<SocketAddress>, ResolutionError> {
    /// The addresses as text, `fd00::1:80` in brackets; or the error.
    var texts: [String] {
        switch self {
        case .success(let answer): answer.elements.map(\.description)
        case .failure(let error): ["\(error.kind)"]
        }
    }

    /// In seconds.
    var lifetime: Double? { (try? get()).map { Double($0.lifetime) / 1e9 } }
}
