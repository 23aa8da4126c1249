import Glibc
import Synchronization
import TestSupport

/// Clients that ask without a pause, on kept connections and on new ones.
final class Load: Sendable {
    private struct State {
        var answers = 0
        var failures: [String] = []
        var isStopping = false
        var running = 0
    }

    private let state = Mutex(State())

    /// Starts four clients.
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - paths: what they ask for, in turn.
    ///   - isGood: whether an answer to a path is as it should be.
    init(
        _ address: TestAddress,
        asking paths: [String],
        _ isGood: @escaping @Sendable (_ path: String, RawResponse) -> Bool
    ) {
        for number in 0..<4 {
            state.withLock { $0.running += 1 }
            TestThread.start { self.run(address, paths, keepsConnection: number % 2 == 0, isGood) }
        }
    }

    private func run(
        _ address: TestAddress,
        _ paths: [String],
        keepsConnection: Bool,
        _ isGood: (String, RawResponse) -> Bool
    ) {
        var kept: RawClient?
        var number = 0
        while !state.withLock({ $0.isStopping }) {
            number += 1
            do {
                let client = try kept ?? RawClient(address)
                let path = paths[number % paths.count]
                let response = try client.answer("GET \(path)")
                let isGood = !response.isCut && isGood(path, response)
                if keepsConnection { kept = response.closes ? nil : client }
                state.withLock { state in
                    if isGood { state.answers += 1 } else { state.failures.append("\(response.line) \(response.text)") }
                }
            } catch {
                kept = nil
                state.withLock { $0.failures.append("\(error)") }
            }
        }
        state.withLock { $0.running -= 1 }
    }

    /// How many answers were good so far.
    var answers: Int { state.withLock { $0.answers } }

    /// Waits until `count` more answers were good.
    func wait(for count: Int) throws {
        let before = answers
        try Deadline.wait(for: "\(count) answers, and not \(state.withLock { $0.failures.last ?? "none" })") {
            answers >= before + count
        }
    }

    /// Ends the clients.
    ///
    /// - Returns: how many answers were good, and what was not.
    func stop() -> (answers: Int, failures: [String]) {
        state.withLock { $0.isStopping = true }
        while state.withLock({ $0.running > 0 }) { usleep(1000) }
        return state.withLock { ($0.answers, $0.failures) }
    }
}
