/// Asks name servers, and the files that go before them (hosts(5)), without ever waiting.
///
/// Belongs to one loop. c-ares does the asking (servers in turn, TCP where an answer is cut, search domains, random ids
/// and ports); this is what it is for a loop. Nothing is remembered: ``Discovery`` knows when to ask again.
public final class NameResolver {
    /// Addresses of a name, and services, that are taken from an answer.
    public static let mostAddresses = 256

    /// Questions that are under way at a time; the others wait for one to end.
    static let mostQuestions = 64

    let loop: EventLoop
    let settings: ResolverSettings
    private var asking = 0
    private var waiting: [NameQuestion] = []

    /// A resolver of one loop.
    public init(on loop: EventLoop, settings: ResolverSettings = ResolverSettings()) {
        self.loop = loop
        self.settings = settings
    }

    /// Asks for the addresses of a host.
    ///
    /// - Parameters:
    ///   - host: a name, to which the system's search domains apply unless it ends with a dot, or an address.
    ///   - port: the port of every address in the answer.
    ///   - answered: called once, on the loop and never before this returns, unless the question is cancelled. IPv6 and
    ///     IPv4 take turns, IPv6 first.
    /// - Returns: the question, to cancel it; it goes on if nobody keeps it.
    @discardableResult
    public func addresses(
        of host: String,
        port: UInt16,
        _ answered: @escaping (Result<NameAnswer<SocketAddress>, ResolutionError>) -> Void
    ) -> NameQuestion {
        let question = NameQuestion(to: self) { question in
            if let address = SocketAddress(literal: Array(host.utf8), port: port) {
                let answer = NameAnswer([address], lifetime: AnswerLifetime.longest)
                return question.finish { answered(.success(answer)) }
            }
            question.servers().addresses(of: host) { result in
                question.finish { answered(result.map { $0.with(port: port) }.mapError { $0.error(of: host) }) }
            }
        }
        ask(question)
        return question
    }

    /// Asks for the hosts that offer a service (SRV, RFC 2782), and for their addresses.
    ///
    /// - Parameters:
    ///   - name: such as `_http._tcp.shop.internal`; the search domains apply as for a host.
    ///   - answered: called once, on the loop and never before this returns, unless the question is cancelled. The
    ///     services are sorted by priority, those that clients are to prefer first. A host without an address is left
    ///     out; where none has one, the question has failed as the first of them.
    /// - Returns: the question, to cancel it; it goes on if nobody keeps it.
    @discardableResult
    public func services(
        of name: String,
        _ answered: @escaping (Result<NameAnswer<Service>, ResolutionError>) -> Void
    ) -> NameQuestion {
        let question = NameQuestion(to: self) { question in
            let lookup = ServiceLookup(question) { result in
                question.finish { answered(result.mapError { $0.error(of: name) }) }
            }
            lookup.start(name)
        }
        ask(question)
        return question
    }

    // MARK: Questions

    private func ask(_ question: NameQuestion) {
        guard asking < Self.mostQuestions else { return waiting.append(question) }
        asking += 1
        question.start()
    }

    /// A question is over: the next one has its turn.
    func ended(_ question: NameQuestion) {
        guard question.isAsking else { return waiting.removeAll { $0 === question } }
        asking -= 1
        guard !waiting.isEmpty else { return }
        ask(waiting.removeFirst())
    }
}

extension NameAnswer<SocketAddress> {
    fileprivate func with(port: UInt16) -> NameAnswer {
        NameAnswer(elements.map { $0.with(port: port) }, lifetime: lifetime)
    }
}
