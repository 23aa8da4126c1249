/// The way from the name of a service to its hosts' addresses.
final class ServiceLookup {
    typealias Outcome = Result<NameAnswer<Service>, NameServerStatus>

    private let question: NameQuestion
    private let answered: (Outcome) -> Void
    private var message = ServiceMessage()
    private var hosts: [String: Result<NameAnswer<SocketAddress>, NameServerStatus>] = [:]
    private var missing = 0

    init(_ question: NameQuestion, _ answered: @escaping (Outcome) -> Void) {
        self.question = question
        self.answered = answered
    }

    func start(_ name: String) {
        question.servers().services(of: name) { result in
            switch result {
            case .failure(let status): self.answered(.failure(status))
            case .success(let bytes): self.read(bytes)
            }
        }
    }

    private func read(_ bytes: [UInt8]) {
        guard let message = ServiceMessage(bytes) else { return answered(.failure(.malformed)) }
        let targets = Set(message.records.map(\.target))
        guard !targets.isEmpty else { return answered(.failure(.noData)) }
        self.message = message
        missing = targets.count
        for target in targets {
            // The addresses that the message may bring along are not of the servers that know them.
            // The name is whole (RFC 2782, Target): no search domain applies.
            question.servers().addresses(of: target + ".") { result in
                self.hosts[target] = result
                self.missing -= 1
                if self.missing == 0 { self.answered(self.outcome()) }
            }
        }
    }

    private func outcome() -> Outcome {
        var lifetime = message.lifetime
        var services: [Service] = []
        var failure = NameServerStatus.noData
        for record in message.records {
            switch hosts[record.target] {
            case .success(let answer):
                services.append(Service(record, addresses: answer.elements))
                lifetime = min(lifetime, answer.lifetime)
            case .failure(let status):
                if services.isEmpty { failure = status }
                lifetime = min(lifetime, AnswerLifetime.incomplete)
            case nil: break
            }
        }
        return services.isEmpty ? .failure(failure) : .success(NameAnswer(services, lifetime: lifetime))
    }
}
