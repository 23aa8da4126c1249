/// A question of the DNS, as a server sees it.
public struct DNSQuestion: Hashable, Sendable {
    /// Kinds of record.
    public enum Kind: UInt16, Sendable { case a = 1, cname = 5, soa = 6, aaaa = 28, srv = 33 }

    /// The name in lower case.
    public let name: String
    /// What is asked for.
    public let kind: Kind
    /// Whether it came over TCP.
    public let isTCP: Bool

    /// A question.
    public init(_ name: String, _ kind: Kind, isTCP: Bool = false) {
        self.name = name
        self.kind = kind
        self.isTCP = isTCP
    }

    /// Takes one from a message; `nil` where it is none.
    init?(_ message: [UInt8], isTCP: Bool) {
        var labels: [String] = []
        var place = 12
        while place < message.count, message[place] > 0 {
            let end = place + 1 + Int(message[place])
            guard end + 4 < message.count else { return nil }
            labels.append(String(decoding: message[place + 1..<end], as: UTF8.self))
            place = end
        }
        guard place + 2 < message.count, let kind = Kind(rawValue: UInt16(message[place + 2])) else { return nil }
        self.init(labels.joined(separator: ".").lowercased(), kind, isTCP: isTCP)
    }
}

/// A record of the DNS.
public struct DNSRecord: Sendable {
    /// Whose it is.
    public let name: String
    let kind: DNSQuestion.Kind
    let ttl: UInt32
    let data: [UInt8]

    /// An address.
    public static func a(_ name: String, _ address: [UInt8], ttl: UInt32) -> DNSRecord {
        DNSRecord(name: name, kind: .a, ttl: ttl, data: address)
    }

    /// An IPv6 address that ends with `last`: `fd00::last`.
    public static func aaaa(_ name: String, _ last: UInt8, ttl: UInt32) -> DNSRecord {
        DNSRecord(name: name, kind: .aaaa, ttl: ttl, data: [0xFD] + [UInt8](repeating: 0, count: 14) + [last])
    }

    /// An alias.
    public static func cname(_ name: String, _ target: String, ttl: UInt32) -> DNSRecord {
        DNSRecord(name: name, kind: .cname, ttl: ttl, data: wire(target))
    }

    /// A service.
    public static func srv(
        _ name: String,
        _ priority: UInt16,
        _ weight: UInt16,
        _ port: UInt16,
        _ target: String,
        ttl: UInt32
    ) -> DNSRecord {
        let data = [priority, weight, port].flatMap(wire) + wire(target)
        return DNSRecord(name: name, kind: .srv, ttl: ttl, data: data)
    }

    /// Whether a server that has the record sends it along with the answer to `question`.
    public func answers(_ question: DNSQuestion) -> Bool { kind == question.kind || kind == .cname }

    /// The record's bytes.
    public var bytes: [UInt8] {
        Self.wire(name) + Self.wire(kind.rawValue) + [0, 1] + Self.wire(UInt16(ttl >> 16))
            + Self.wire(UInt16(ttl & 0xFFFF))
            + Self.wire(UInt16(data.count)) + data
    }

    static func wire(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}

/// What a server answers.
public enum DNSReply: Sendable {
    /// These records; none: the name has no such record.
    case records([DNSRecord])
    /// A response code: 2 is SERVFAIL, 3 NXDOMAIN.
    case code(UInt8)
    /// Nothing.
    case silence
    /// That the answer does not fit a datagram.
    case truncated
    /// The records, under another id than the question's.
    case wrongID([DNSRecord])
    /// The question repeated, then bytes that are no records, said to be so many.
    case garbage([UInt8], records: UInt16)

    /// The message for a question; `nil` where there is none.
    func message(to question: [UInt8]) -> [UInt8]? {
        switch self {
        case .silence: nil
        case .records(let records): message(question, 0, 0, records.flatMap(\.bytes), UInt16(records.count))
        case .code(let code): message(question, 0, code, [], 0)
        case .truncated: message(question, 2, 0, [], 0)
        case .garbage(let bytes, let count): message(question, 0, 0, bytes, count)
        case .wrongID(let records):
            message(
                [question[0] ^ 0x55, question[1]] + question[2...],
                0,
                0,
                records.flatMap(\.bytes),
                UInt16(records.count)
            )
        }
    }

    private func message(_ question: [UInt8], _ bits: UInt8, _ code: UInt8, _ body: [UInt8], _ count: UInt16) -> [UInt8]
    {
        [question[0], question[1], 0x81 | bits, 0x80 | code, 0, 1] + DNSRecord.wire(count) + [0, 0, 0, 0]
            + question[12...]
            + body
    }
}
