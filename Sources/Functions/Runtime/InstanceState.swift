/// The life of one function process.
///
///     spawning ──▶ starting ──ready──▶ idle ◀──take, answered──▶ busy
///                     │                 │ drain                   │ expired, violation
///                     │                 ▼                         ▼
///                     │              draining ──▶ terminating ──▶ killed ──▶ exited
///                     └──────── closed: the channel has ended, the process perhaps not ─┘
///
/// A value, with no process, socket or clock in it: the instance feeds it events and does what it answers, so every
/// path is a row of a table.
public struct InstanceState: Equatable, Sendable {
    /// Where an instance is in its life.
    public enum Phase: Sendable {
        /// Asked of the spawner.
        case spawning
        /// Runs, and has not said READY.
        case starting
        /// May be leased.
        case idle
        /// Has an event.
        case busy
        /// Was asked to end.
        case draining
        /// Was told to end by SIGTERM.
        case terminating
        /// Its channel has ended; how it exited is about to be known.
        case closed
        /// SIGKILL is on its way.
        case killed
        /// Was reaped, or never ran.
        case exited
    }

    /// What happens to an instance.
    public enum Event: Sendable {
        /// The spawner has executed it.
        case spawned
        /// READY.
        case ready
        /// INIT_ERROR.
        case refused
        /// The pool leased it.
        case take
        /// REPLY, RESULT or ERROR of the event that it had.
        case answered
        /// It is to end when it has nothing to do.
        case drain
        /// The phase has lasted too long.
        case expired
        /// Its channel has ended.
        case closed
        /// Its channel carried what no frame is, or what was not asked.
        case violation
        /// It was reaped, or could not be started.
        case exited
    }

    /// What an event calls for; in the order of these lines.
    public struct Actions: OptionSet, Sendable {
        public let rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Fail the event that it has, or, where it was never ready, its start.
        public static let fail = Actions(rawValue: 1)
        /// SIGKILL it and all that it started.
        public static let kill = Actions(rawValue: 2)
        /// SIGTERM it.
        public static let terminate = Actions(rawValue: 4)
        /// Ask it to end: DRAIN, or the end of its input.
        public static let close = Actions(rawValue: 8)
        /// It can take an event: give it to the pool.
        public static let offer = Actions(rawValue: 16)
        /// It is gone: close its descriptors, and tell the pool.
        public static let release = Actions(rawValue: 32)
    }

    /// Where it is.
    public private(set) var phase = Phase.spawning

    /// A process that was asked for.
    public init() {}

    /// Takes one event.
    ///
    /// - Parameter event: what happened. Whatever a process can cause is answered in every phase.
    /// - Returns: what is to be done.
    public mutating func receive(_ event: Event) -> Actions {
        let (next, actions) = Self.step(phase, event)
        phase = next
        return actions
    }

    private static func step(_ phase: Phase, _ event: Event) -> (Phase, Actions) {
        switch phase {
        case .spawning: spawning(event)
        case .starting: starting(event)
        case .idle: idle(event)
        case .busy: busy(event)
        case .draining, .terminating: ending(phase, event)
        case .closed: closed(event)
        case .killed: event == .exited ? (.exited, .release) : event == .spawned ? (.killed, .kill) : (.killed, [])
        case .exited: (.exited, [])
        }
    }

    private static func spawning(_ event: Event) -> (Phase, Actions) {
        switch event {
        case .spawned: (.starting, [])
        case .drain: (.killed, [])  // killed when it is there
        case .expired: (.killed, .fail)
        case .exited: (.exited, [.fail, .release])
        case .closed, .violation: (.spawning, [])  // told once it runs: bytes stay in the channel
        case .ready, .refused, .take, .answered: preconditionFailure("\(event) of a process that is not there yet")
        }
    }

    private static func starting(_ event: Event) -> (Phase, Actions) {
        switch event {
        case .ready: (.idle, .offer)
        case .refused: (.closed, .fail)
        case .closed: (.closed, [])
        case .violation, .expired: (.killed, [.fail, .kill])
        case .drain: (.killed, .kill)
        case .exited: (.exited, [.fail, .release])
        case .spawned, .take, .answered: preconditionFailure("\(event) cannot happen while starting")
        }
    }

    private static func idle(_ event: Event) -> (Phase, Actions) {
        switch event {
        case .take: (.busy, [])
        case .drain: (.draining, .close)
        case .closed: (.closed, [])
        case .violation, .refused, .ready: (.killed, .kill)
        case .expired: (.idle, [])
        case .exited: (.exited, .release)
        case .spawned, .answered: preconditionFailure("\(event) cannot happen while idle")
        }
    }

    private static func busy(_ event: Event) -> (Phase, Actions) {
        switch event {
        case .answered: (.idle, .offer)
        case .closed: (.closed, [])
        case .violation, .expired, .refused, .ready: (.killed, [.fail, .kill])
        case .drain: (.busy, [])  // the pool drains it when it is offered
        case .exited: (.exited, [.fail, .release])
        case .spawned, .take: preconditionFailure("\(event) cannot happen while busy")
        }
    }

    private static func ending(_ phase: Phase, _ event: Event) -> (Phase, Actions) {
        switch event {
        case .expired: phase == .draining ? (.terminating, .terminate) : (.killed, .kill)
        case .closed: (.closed, [])
        case .violation: (.killed, .kill)
        case .exited: (.exited, .release)
        case .drain, .ready, .refused, .answered: (phase, [])
        case .spawned, .take: preconditionFailure("\(event) cannot happen while \(phase)")
        }
    }

    private static func closed(_ event: Event) -> (Phase, Actions) {
        switch event {
        case .expired: (.killed, [.fail, .kill])
        case .exited: (.exited, [.fail, .release])
        case .drain, .closed, .violation, .ready, .refused, .answered: (.closed, [])
        case .spawned, .take: preconditionFailure("\(event) cannot happen after the channel has ended")
        }
    }
}
