import Dispatch
import PenstockNetworking
import Synchronization
import TestSupport
import Testing

@Suite("Name resolver: addresses")
struct NameResolverTests {
    private static let name = "shop.example."

    /// What the server says of `shop.example`: records of the kind that is asked for.
    private static func server(_ records: DNSRecord...) throws -> ScriptedNameServer {
        try ScriptedNameServer { question, _ in .records(records.filter { $0.answers(question) }) }
    }

    @Test func `both families are asked for, and take turns with IPv6 first`() throws {
        let server = try Self.server(
            .a("shop.example", [192, 0, 2, 3], ttl: 60),
            .a("shop.example", [192, 0, 2, 1], ttl: 60),
            .a("shop.example", [192, 0, 2, 3], ttl: 60),
            .aaaa("shop.example", 9, ttl: 60),
            .a("shop.example", [192, 0, 2, 2], ttl: 60)
        )
        let answer = try AskingLoop(server).addresses(of: Self.name, port: 81)
        #expect(answer.texts == ["[fd00::9]:81", "192.0.2.3:81", "192.0.2.1:81", "192.0.2.2:81"])
        #expect(Set(server.questions) == [DNSQuestion("shop.example", .a), DNSQuestion("shop.example", .aaaa)])
    }

    @Test(arguments: [
        (0, 1), (1, 1), (30, 30), (3600, 3600), (86400, 3600), (UInt32.max, 1),
    ])
    func `an answer is good for as long as its TTL says, within bounds`(ttl: UInt32, seconds: Double) throws {
        let server = try Self.server(.a("shop.example", [192, 0, 2, 1], ttl: ttl))
        #expect(try AskingLoop(server).addresses(of: Self.name).lifetime == seconds)
    }

    @Test func `the smallest TTL counts, of aliases too`() throws {
        let server = try Self.server(
            .cname("shop.example", "a.example", ttl: 20),
            .a("a.example", [192, 0, 2, 1], ttl: 40),
            .a("a.example", [192, 0, 2, 2], ttl: 30)
        )
        let answer = try AskingLoop(server).addresses(of: Self.name)
        #expect(answer.texts == ["192.0.2.1:80", "192.0.2.2:80"])
        #expect(answer.lifetime == 20)
    }

    @Test(arguments: Failure.cases)
    func `a question without an answer says why`(_ row: Failure) throws {
        let server = try ScriptedNameServer { _, _ in row.reply() }
        let loop = try AskingLoop(server) {
            $0.timeout = 50_000_000; $0.tries = 2
        }
        let error = try #require(try loop.addresses(of: Self.name).failure)
        #expect(error.kind == row.kind)
        #expect(error.name == Self.name)
    }

    @Test func `a server that is not there has no answer`() throws {
        let server = try Self.server()
        server.stop()
        let error = try AskingLoop(server) { $0.timeout = 50_000_000 }.addresses(of: Self.name).failure
        // The kernel tells one of the two questions of the port that is closed, and not the other.
        #expect(error?.kind == .noServer || error?.kind == .timedOut)
    }

    @Test func `one family that fails does not keep the other one back, but not for long`() throws {
        let server = try ScriptedNameServer { question, _ in
            question.kind == .a ? .records([.a("shop.example", [192, 0, 2, 1], ttl: 600)]) : .silence
        }
        let answer = try AskingLoop(server) { $0.timeout = 50_000_000 }.addresses(of: Self.name)
        #expect(answer.texts == ["192.0.2.1:80"])
        #expect(answer.lifetime == 5)
    }

    @Test func `a lost question is asked again`() throws {
        let server = try ScriptedNameServer { question, count in
            count == 0
                ? .silence : .records([.a("shop.example", [192, 0, 2, 1], ttl: 60)].filter { $0.answers(question) })
        }
        let answer = try AskingLoop(server) { $0.timeout = 50_000_000 }.addresses(of: Self.name)
        #expect(answer.texts == ["192.0.2.1:80"])
    }

    @Test(arguments: [DNSReply.silence, .code(2), .code(5)])
    func `the next server is asked where one does not help`(_ reply: DNSReply) throws {
        let useless = try ScriptedNameServer { _, _ in reply }
        let server = try Self.server(.a("shop.example", [192, 0, 2, 1], ttl: 60))
        let answer = try AskingLoop(useless, server) { $0.timeout = 50_000_000 }.addresses(of: Self.name)
        #expect(answer.texts == ["192.0.2.1:80"])
        #expect(!useless.questions.isEmpty)
    }

    @Test func `an answer that was cut is fetched over TCP, and the first 256 addresses are taken`() throws {
        let records = (0..<300).map { DNSRecord.a("shop.example", [10, 0, UInt8($0 / 256), UInt8($0 % 256)], ttl: 60) }
        let server = try ScriptedNameServer { question, _ in
            guard question.isTCP else { return .truncated }
            return .records(question.kind == .a ? records : [])
        }
        let answer = try AskingLoop(server).addresses(of: Self.name).texts
        #expect(answer.count == 256)
        #expect(answer.last == "10.0.0.255:80")
    }

    @Test func `localhost is asked of nobody, and the file is read again after half a minute`() throws {
        let server = try Self.server()
        let answer = try AskingLoop(server).addresses(of: "localhost")
        #expect(answer.texts.contains("127.0.0.1:80"))
        #expect(answer.lifetime == 30)
        #expect(server.questions.isEmpty)
    }

    @Test(arguments: [("192.0.2.1", "192.0.2.1:80"), ("fd00::1", "[fd00::1]:80"), ("[fd00::1]", "[fd00::1]:80")])
    func `an address is its own answer`(literal: String, expected: String) throws {
        let server = try Self.server()
        let answer = try AskingLoop(server).addresses(of: literal)
        #expect(answer.texts == [expected])
        #expect(answer.lifetime == 3600)
        #expect(server.questions.isEmpty)
    }

    @Test(arguments: ["", "a..b", "a\0b", String(repeating: "a", count: 64), String(repeating: "a.", count: 130)])
    func `what is no name is nobody's`(_ text: String) throws {
        let server = try Self.server()
        #expect(try AskingLoop(server).addresses(of: text).failure?.kind == .notFound)
        #expect(server.questions.isEmpty)
    }

    @Test(arguments: [
        ("shop", ["shop.one.example", "shop.two.example"]),
        ("a.shop", ["a.shop.one.example", "a.shop.two.example"]),
        ("x.a.shop", ["x.a.shop", "x.a.shop.one.example", "x.a.shop.two.example"]),
        ("shop.", ["shop"]),
    ])
    func `search domains and ndots are the system's`(name: String, asked: [String]) throws {
        let folder = try TemporaryFolder()
        try folder.write("resolv.conf", "nameserver 192.0.2.53\nsearch one.example two.example\noptions ndots:2\n")
        let server = try ScriptedNameServer { question, _ in
            guard question.name.hasSuffix("two.example") else { return .code(3) }
            return .records([.a(question.name, [192, 0, 2, 1], ttl: 60)].filter { $0.answers(question) })
        }
        let answer = try AskingLoop(server) { $0.file = folder.path + "/resolv.conf" }.addresses(of: name)
        #expect(answer.texts == (name == "shop." ? ["notFound"] : ["192.0.2.1:80"]))
        #expect(server.questions.filter { $0.kind == .a }.map(\.name) == asked)
    }

    @Test func `nobody is called before the question has been returned`() throws {
        let server = try Self.server()
        let order = try AskingLoop(server).wait { resolver, answer in
            let steps = Steps()
            resolver.addresses(of: "192.0.2.1", port: 1) { _ in answer(steps.list + ["answered"]) }
            steps.list.append("returned")
        }
        #expect(order == ["returned", "answered"])
    }

    @Test func `a question that is cancelled is answered no more, and the next one has its turn`() throws {
        let server = try ScriptedNameServer { question, _ in
            guard question.name == "shop.example" else { return .silence }
            return .records([.a("shop.example", [192, 0, 2, 1], ttl: 60)].filter { $0.answers(question) })
        }
        let loop = try AskingLoop(server)
        let order: [String] = try loop.wait { resolver, answer in
            let steps = Steps()
            // As many as are asked at a time, and one that has to wait.
            let silent = (0..<64).map { number in
                resolver.addresses(of: "silent\(number).example.", port: 1) { _ in steps.list.append("silent") }
            }
            let given = resolver.addresses(of: "given-up.example.", port: 1) { _ in steps.list.append("given up") }
            resolver.addresses(of: Self.name, port: 1) { result in
                answer(steps.list + result.texts)
                for question in silent { question.cancel() }
            }
            given.cancel()
            silent[7].cancel()
            silent[7].cancel()
        }
        #expect(order == ["192.0.2.1:1"])
        #expect(!server.questions.contains { $0.name == "given-up.example" })
    }
}

/// A row: what every server says, and what is made of it.
struct Failure: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Made when it is asked for: LeakSanitizer does not see what a constant enum refers to.
    let reply: @Sendable () -> DNSReply
    let kind: ResolutionError.Kind

    static let cases = [
        Failure(testDescription: "there is no such name", reply: { .code(3) }, kind: .notFound),
        Failure(testDescription: "the name has no address", reply: { .records([]) }, kind: .notFound),
        Failure(testDescription: "the server fails", reply: { .code(2) }, kind: .noServer),
        Failure(testDescription: "the server refuses", reply: { .code(5) }, kind: .noServer),
        Failure(testDescription: "silence", reply: { .silence }, kind: .timedOut),
        Failure(
            testDescription: "another question's answer",
            reply: { .wrongID([.a("shop.example", [192, 0, 2, 1], ttl: 60)]) },
            kind: .timedOut
        ),
        Failure(testDescription: "less than a record", reply: { .garbage([0xC0], records: 1) }, kind: .malformed),
        Failure(
            testDescription: "a name that points at itself",
            reply: { .garbage([0xC0, 30], records: 1) },
            kind: .malformed
        ),
        Failure(
            testDescription: "fewer records than are said to be there",
            reply: { .garbage(DNSRecord.a("shop.example", [192, 0, 2, 1], ttl: 60).bytes, records: 2) },
            kind: .malformed
        ),
    ]
}

/// What happened, in order; on one loop.
final class Steps: @unchecked Sendable {
    var list: [String] = []
}
