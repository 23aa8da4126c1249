import TestSupport
import Testing

@testable import PenstockNetworking

@Suite("Name resolver: services")
struct ServiceTests {
    private static let name = "_http._tcp.shop.example."

    private static func server(_ records: DNSRecord...) throws -> ScriptedNameServer {
        try ScriptedNameServer { question, _ in
            .records(records.filter { $0.answers(question) && $0.name == question.name })
        }
    }

    private static func srv(
        _ priority: UInt16,
        _ weight: UInt16,
        _ port: UInt16,
        _ target: String,
        ttl: UInt32 = 600
    ) -> DNSRecord {
        .srv("_http._tcp.shop.example", priority, weight, port, target, ttl: ttl)
    }

    @Test func `services come with their hosts' addresses, the first priority and the heaviest first`() throws {
        let server = try Self.server(
            Self.srv(20, 5, 8081, "b.example"),
            Self.srv(10, 1, 8080, "B.example"),
            Self.srv(10, 3, 8080, "a.example"),
            .a("a.example", [192, 0, 2, 2], ttl: 300),
            .a("a.example", [192, 0, 2, 1], ttl: 300),
            .aaaa("a.example", 1, ttl: 40),
            .a("b.example", [192, 0, 2, 9], ttl: 300)
        )
        let answer = try AskingLoop(server).services(of: Self.name).get()
        #expect(
            answer.elements.map(\.line) == [
                "10 3 a.example [fd00::1]:8080 192.0.2.1:8080 192.0.2.2:8080",
                "10 1 b.example 192.0.2.9:8080",
                "20 5 b.example 192.0.2.9:8081",
            ]
        )
        #expect(answer.lifetime == 40_000_000_000)
        // Each host once, under the whole name.
        #expect(server.questions.filter { $0.kind == .a }.map(\.name).sorted() == ["a.example", "b.example"])
    }

    @Test func `a host without an address is left out, and asked for again soon`() throws {
        let server = try Self.server(
            Self.srv(1, 1, 80, "gone.example"),
            Self.srv(1, 1, 80, "a.example"),
            .a("a.example", [192, 0, 2, 1], ttl: 600)
        )
        let answer = try AskingLoop(server).services(of: Self.name).get()
        #expect(answer.elements.map(\.line) == ["1 1 a.example 192.0.2.1:80"])
        #expect(answer.lifetime == 5_000_000_000)
    }

    @Test(
        arguments: [
            ([], .notFound),
            ([srv(1, 1, 80, "gone.example")], .notFound),
            // There is no such service here (RFC 2782).
            ([srv(0, 0, 0, "")], .notFound),
        ] as [([DNSRecord], ResolutionError.Kind)]
    )
    func `a service without a host that has an address says so`(
        records: [DNSRecord],
        kind: ResolutionError.Kind
    ) throws {
        let server = try ScriptedNameServer { question, _ in .records(records.filter { $0.answers(question) }) }
        #expect(try AskingLoop(server).services(of: Self.name).failure?.kind == kind)
    }

    @Test func `what is no message is malformed`() throws {
        let server = try ScriptedNameServer { _, _ in .garbage([1, 2, 3], records: 1) }
        #expect(try AskingLoop(server).services(of: Self.name).failure?.kind == .malformed)
    }

    @Test func `an order of addresses is no difference between services`() {
        let record = ServiceRecord(priority: 1, weight: 1, target: "a", port: 80)
        let addresses = (1...3).map { SocketAddress(ipv4: [192, 0, 2, $0], port: 0) }
        #expect(Service(record, addresses: addresses) == Service(record, addresses: addresses.reversed()))
    }
}

@Suite("Name resolver: messages with services (RFC 1035 section 4, RFC 2782)")
struct ServiceMessageTests {
    private static let head: [UInt8] = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    private static let question: [UInt8] = [1, 0x73, 0, 0, 33, 0, 1]

    /// A message with a question for `s` and one answer.
    private static func message(_ answer: [UInt8]) -> [UInt8] { head + question + answer }

    private static let record: [UInt8] =
        [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 11, 0, 1, 0, 2, 0, 80, 1, 0x61, 1, 0x42, 0]

    @Test func `a record is read, names in lower case and compressed ones too`() {
        let whole = ServiceMessage(Self.message(Self.record))
        #expect(whole?.records == [ServiceRecord(priority: 1, weight: 2, target: "a.b", port: 80)])
        #expect(whole?.lifetime == 60_000_000_000)
        var pointing = Self.message(Self.record)
        pointing.replaceSubrange(pointing.count - 5..<pointing.count, with: [1, 0x61, 0xC0, 12])
        pointing[Self.head.count + Self.question.count + 11] = 10
        #expect(ServiceMessage(pointing)?.records.map(\.target) == ["a.s"])
    }

    @Test func `every cut of a message is malformed`() {
        let whole = Self.message(Self.record)
        for count in whole.indices {
            #expect(ServiceMessage(Array(whole[..<count])) == nil, "cut after \(count) bytes")
        }
    }

    @Test(
        arguments: [
            ("a name that points forwards", [0xC0, 40]),
            ("a name that points at itself", [0xC0, 19]),
            ("a label of a kind that is none", [0x80, 1, 0]),
            ("a dot within a label", [1, 0x2E, 0]),
            ("a control byte", [1, 0x0A, 0]),
            ("a byte beyond ASCII", [1, 0xE4, 0]),
        ] as [(String, [UInt8])]
    )
    func `a malformed name is refused`(_ why: String, _ name: [UInt8]) {
        #expect(ServiceMessage(Self.message(name + Self.record.dropFirst(2))) == nil)
    }

    @Test func `a name of more than 253 bytes is refused, however it comes about`() {
        // A label of the question, again and again through the pointer behind it.
        let labels: [UInt8] = [1, 0x73, 0xC0, 19]
        #expect(ServiceMessage(Self.message(labels + Self.record.dropFirst(2))) == nil)
    }

    @Test func `a record that is shorter or longer than it says is refused`() {
        for length in [UInt8(10), 12] {
            var message = Self.message(Self.record)
            message[Self.head.count + Self.question.count + 11] = length
            #expect(ServiceMessage(message) == nil)
        }
    }
}

extension Service {
    fileprivate var line: String {
        "\(priority) \(weight) \(target) " + addresses.map(\.description).joined(separator: " ")
    }
}
