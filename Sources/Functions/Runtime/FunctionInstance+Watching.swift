import Glibc
import PenstockNetworking
import PenstockSystem

/// Which of an instance's descriptors its loop watches.
extension FunctionInstance {
    /// Lets its loop watch it.
    func attach() {
        if watches[home] == nil { watches[home] = InstanceWatches(self, on: home) }
        guard let watches = watches[home] else { return }
        do {
            try share.loop.register(descriptors.answers, watches.answers, .readable)
            isWatchingAnswers = true
            guard descriptors.log >= 0 else { return }
            try share.loop.register(descriptors.log, watches.log, .readable)
            isWatchingLog = true
        } catch {
            fail(InvocationError(.gateway, type: "Gateway.WatchFailed", message: "\(error)"))
        }
    }

    /// Lets its loop watch it no longer.
    func detach() {
        stopWatchingAnswers()
        stopWatchingLog()
    }

    private func stopWatchingLog() {
        guard isWatchingLog else { return }
        isWatchingLog = false
        share.loop.deregister(descriptors.log)
    }

    /// Takes its descriptors from the loop that they are on; on another loop's thread, which holds it.
    func disown(from loop: EventLoop) {
        isWatchingAnswers = false
        isWatchingLog = false
        loop.disown(descriptors.answers)
        if descriptors.log >= 0 { loop.disown(descriptors.log) }
    }

    func stopWatchingAnswers() {
        watchEvents(false)
        guard isWatchingAnswers else { return }
        isWatchingAnswers = false
        share.loop.deregister(descriptors.answers)
    }

    /// Whether its loop waits until more of an event fits.
    func watchEvents(_ isWanted: Bool) {
        guard isWatchingEvents != isWanted else { return }
        isWatchingEvents = isWanted
        if !isWanted {
            share.loop.deregister(descriptors.events)
        } else if let watches = watches[home] {
            do {
                try share.loop.register(descriptors.events, watches.events, .writable)
            } catch {
                fail(InvocationError(.gateway, type: "Gateway.WatchFailed", message: "\(error)"))
            }
        }
    }

    /// Its log pipe has ended.
    func closeLog() {
        stopWatchingLog()
        close(descriptors.log)
        descriptors.log = -1
    }
}

/// What the loops call when an instance's descriptors are ready; one set for each loop that ever watched it.
final class InstanceWatches: Sendable {
    let answers: InstanceWatch
    let events: InstanceWatch
    let log: InstanceWatch

    init(_ instance: FunctionInstance, on loop: Int) {
        let descriptors = instance.descriptors
        answers = InstanceWatch(instance, .answers, descriptors.answers, on: loop)
        events = InstanceWatch(instance, .events, descriptors.events, on: loop)
        log = InstanceWatch(instance, .log, descriptors.log, on: loop)
    }

    /// Lets a loop forget what it watched before it was disowned.
    func forget(on loop: EventLoop) {
        for watch in [answers, log] where watch.descriptor >= 0 { loop.forget(watch.descriptor, watch) }
    }
}

/// One descriptor of an instance, as one loop knows it.
final class InstanceWatch: EventSource, Sendable {
    enum Stream { case answers, events, log }

    /// Its number while the instance lives.
    let descriptor: Int32

    private let instance: FunctionInstance
    private let stream: Stream
    private let loop: Int

    init(_ instance: FunctionInstance, _ stream: Stream, _ descriptor: Int32, on loop: Int) {
        self.instance = instance
        self.stream = stream
        self.descriptor = descriptor
        self.loop = loop
    }

    func ready(_ readiness: Readiness) { instance.ready(stream, on: loop) }
}
