import PenstockFunctions
import PenstockHTTP
import PenstockObservability
import PenstockTransport

/// A function that does what a test says, at once or later.
final class FakeFunction: FunctionInvoker {
    /// What happens to an event; unless it is set, events wait in ``waiting``.
    var answers: ((Invocation, any InvocationObserver) -> Void)?

    /// Whether what waits has started, so that it runs on when its client is gone.
    var hasStarted = false

    /// Events that nobody has answered yet.
    private(set) var waiting: [Invocation] = []

    /// Every event, as text.
    private(set) var events: [String] = []

    let registry = MetricsRegistry()

    /// What its log has.
    let lines = PrintedLines()

    init(_ answers: ((Invocation, any InvocationObserver) -> Void)? = nil) { self.answers = answers }

    func invoke(_ invocation: Invocation) {
        events.append(String(decoding: invocation.event, as: UTF8.self))
        guard let answers else { return waiting.append(invocation) }
        answer(invocation, answers)
    }

    func cancel(_ invocation: Invocation) {
        guard !hasStarted else { return }
        waiting.removeAll { $0 === invocation }
        invocation.observer?.failed(invocation, .abandoned)
    }

    /// Answers the event that has waited longest.
    func answerNext(_ answers: (Invocation, any InvocationObserver) -> Void) {
        answer(waiting.removeFirst(), answers)
    }

    private func answer(_ invocation: Invocation, _ answers: (Invocation, any InvocationObserver) -> Void) {
        guard let observer = invocation.observer else { preconditionFailure("nobody listens") }
        invocation.queueNanoseconds = 5
        invocation.runNanoseconds = 7
        answers(invocation, observer)
    }

    /// A handler of requests to it.
    func handler(budget: BufferBudget = BufferBudget(limit: 1 << 28)) -> FunctionHandler {
        FunctionHandler(
            invoker: self,
            encoder: EventEncoder(path: "/{rest*}"),
            metrics: FunctionMetrics(registry: registry, function: "fake", shard: 0),
            budget: budget,
            output: lines
        )
    }

    /// The value of one of its series.
    func count(_ family: MetricFamily, _ reason: String? = nil) -> Int {
        registry.value(family, ["fake"] + (reason.map { [$0] } ?? []))
    }
}

extension InvocationObserver {
    /// Replies with texts.
    func reply(_ invocation: Invocation, _ status: Int, _ fields: [UInt8] = [], _ body: [UInt8] = []) {
        fields.withUnsafeBytes { fields in
            body.withUnsafeBytes { replied(invocation, status: status, fields: fields, body: $0) }
        }
    }
}
