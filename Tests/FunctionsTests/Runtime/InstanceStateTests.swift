import PenstockSystem
import Testing

@testable import PenstockFunctions

@Suite("Life of an instance")
struct InstanceStateTests {
    @Test(arguments: Row.cases)
    func `every event leads where the table says`(_ row: Row) {
        var state = InstanceState()
        for event in row.before { _ = state.receive(event) }
        #expect(state.phase == row.from)
        #expect(state.receive(row.event) == row.actions)
        #expect(state.phase == row.to)
    }

    @Test
    func `whatever a process does, it ends exited and is released once`() {
        let outside: [InstanceState.Event] = [.closed, .violation, .exited, .expired, .drain]
        for start in Row.ways.values {
            for first in outside {
                for second in outside {
                    var state = InstanceState()
                    var released = 0
                    for event in start + [first, second, .exited, .exited] where state.receive(event).contains(.release)
                    {
                        released += 1
                    }
                    #expect(state.phase == .exited, "\(start) \(first) \(second)")
                    #expect(released == 1, "\(start) \(first) \(second)")
                }
            }
        }
    }

    @Test
    func `impossible events are the gateway's own mistakes, and trap`() async {
        await #expect(processExitsWith: .failure) {
            var state = InstanceState()
            _ = state.receive(.take)
        }
        await #expect(processExitsWith: .failure) {
            var state = InstanceState()
            for event: InstanceState.Event in [.spawned, .ready, .take, .take] { _ = state.receive(event) }
        }
    }
}

/// One row: from a phase, by an event, to a phase, with these actions.
struct Row: Sendable, CustomTestStringConvertible {
    let from: InstanceState.Phase
    let event: InstanceState.Event
    let to: InstanceState.Phase
    let actions: InstanceState.Actions
    var testDescription: String { "\(from) + \(event)" }
    var before: [InstanceState.Event] { Self.ways[from] ?? [] }

    init(
        _ from: InstanceState.Phase,
        _ event: InstanceState.Event,
        _ to: InstanceState.Phase,
        _ actions: InstanceState.Actions
    ) {
        self.from = from
        self.event = event
        self.to = to
        self.actions = actions
    }

    /// How a phase is reached.
    static let ways: [InstanceState.Phase: [InstanceState.Event]] = [
        .spawning: [],
        .starting: [.spawned],
        .idle: [.spawned, .ready],
        .busy: [.spawned, .ready, .take],
        .draining: [.spawned, .ready, .drain],
        .terminating: [.spawned, .ready, .drain, .expired],
        .closed: [.spawned, .ready, .take, .closed],
        .killed: [.spawned, .ready, .violation],
        .exited: [.exited],
    ]

    // swift-format-ignore
    static let cases: [Row] = [
        // from        event       to            actions
        Row(.spawning, .spawned, .starting, []),
        Row(.spawning, .drain, .killed, []),
        Row(.spawning, .expired, .killed, .fail),
        Row(.spawning, .exited, .exited, [.fail, .release]),
        Row(.spawning, .closed, .spawning, []),
        Row(.starting, .ready, .idle, .offer),
        Row(.starting, .refused, .closed, .fail),
        Row(.starting, .closed, .closed, []),
        Row(.starting, .violation, .killed, [.fail, .kill]),
        Row(.starting, .expired, .killed, [.fail, .kill]),
        Row(.starting, .drain, .killed, .kill),
        Row(.starting, .exited, .exited, [.fail, .release]),
        Row(.idle, .take, .busy, []),
        Row(.idle, .drain, .draining, .close),
        Row(.idle, .closed, .closed, []),
        Row(.idle, .violation, .killed, .kill),
        Row(.idle, .ready, .killed, .kill),
        Row(.idle, .expired, .idle, []),
        Row(.idle, .exited, .exited, .release),
        Row(.busy, .answered, .idle, .offer),
        Row(.busy, .expired, .killed, [.fail, .kill]),
        Row(.busy, .closed, .closed, []),
        Row(.busy, .violation, .killed, [.fail, .kill]),
        Row(.busy, .refused, .killed, [.fail, .kill]),
        Row(.busy, .drain, .busy, []),
        Row(.busy, .exited, .exited, [.fail, .release]),
        Row(.draining, .expired, .terminating, .terminate),
        Row(.draining, .closed, .closed, []),
        Row(.draining, .violation, .killed, .kill),
        Row(.draining, .exited, .exited, .release),
        Row(.terminating, .expired, .killed, .kill),
        Row(.terminating, .exited, .exited, .release),
        Row(.closed, .expired, .killed, [.fail, .kill]),
        Row(.closed, .exited, .exited, [.fail, .release]),
        Row(.closed, .answered, .closed, []),
        Row(.killed, .exited, .exited, .release),
        Row(.killed, .spawned, .killed, .kill),
        Row(.killed, .answered, .killed, []),
        Row(.exited, .expired, .exited, []),
    ]
}

@Suite("Back-off of a function that cannot start")
struct CrashBackoffTests {
    @Test
    func `the pause doubles from 0.1 s to 10 s`() {
        var backoff = CrashBackoff()
        var now = Instant(nanoseconds: 0)
        var pauses: [Int64] = []
        for _ in 0..<9 {
            backoff.failed(at: now)
            let until = backoff.until ?? now
            pauses.append((until - now) / 1_000_000)
            #expect(!backoff.allowsStart(at: now))
            #expect(backoff.allowsStart(at: until))
            now = until
        }
        #expect(pauses == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
    }

    @Test
    func `instances that fail together count once`() {
        var backoff = CrashBackoff()
        for _ in 0..<8 { backoff.failed(at: Instant(nanoseconds: 5)) }
        #expect(backoff.failures == 1)
        #expect(backoff.until == Instant(nanoseconds: 100_000_005))
    }

    @Test
    func `one success forgets all failures`() {
        var backoff = CrashBackoff()
        backoff.failed(at: Instant(nanoseconds: 0))
        backoff.succeeded()
        #expect(backoff == CrashBackoff())
    }
}
