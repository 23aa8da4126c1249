internal import PenstockBytes

/// The SRV records of a DNS message (RFC 1035 section 4, RFC 2782): a value without a socket.
///
/// c-ares' own reader of SRV drops the TTL.
struct ServiceMessage: Equatable {
    /// Each once, those of the lowest priority first, and of these the heaviest; the first 256.
    private(set) var records: [ServiceRecord] = []

    /// Nanoseconds: the smallest TTL among the answers, aliases included.
    private(set) var lifetime = AnswerLifetime.longest

    /// A message without records.
    init() {}

    /// Reads a message; `nil` where it is malformed.
    init?(_ bytes: [UInt8]) {
        var reader = MessageReader(bytes)
        do throws(MessageReader.Malformed) {
            try read(&reader)
        } catch {
            return nil
        }
        records = Array(Set(records)).sorted { $0.order < $1.order }
    }

    private mutating func read(_ reader: inout MessageReader) throws(MessageReader.Malformed) {
        try reader.skip(4)
        let questions = try reader.number()
        let answers = try reader.number()
        try reader.skip(4)
        for _ in 0..<questions {
            _ = try reader.name()
            try reader.skip(4)
        }
        for _ in 0..<answers {
            _ = try reader.name()
            let type = try reader.number()
            try reader.skip(2)
            let seconds = Int64(try reader.number()) << 16 | Int64(try reader.number())
            let end = reader.position + Int(try reader.number()) + 2
            // One with its highest bit set counts as 0 (RFC 2181 section 8).
            lifetime = min(lifetime, seconds < 1 << 31 ? seconds * 1_000_000_000 : 0)
            if type == 33 { try add(&reader, end) } else { try reader.skip(end - reader.position) }
        }
    }

    private mutating func add(_ reader: inout MessageReader, _ end: Int) throws(MessageReader.Malformed) {
        let priority = try reader.number()
        let weight = try reader.number()
        let port = try reader.number()
        let target = try reader.name()
        guard reader.position == end else { throw MessageReader.Malformed() }
        // "." says that there is no such service here (RFC 2782, Target).
        guard !target.isEmpty, records.count < NameResolver.mostAddresses else { return }
        records.append(ServiceRecord(priority: priority, weight: weight, target: target, port: port))
    }
}

extension ServiceRecord {
    fileprivate var order: (UInt16, Int, String, UInt16) { (priority, -Int(weight), target, port) }
}

/// Takes a DNS message apart, from front to back.
private struct MessageReader {
    struct Malformed: Error {}

    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func skip(_ count: Int) throws(Malformed) {
        guard count >= 0, bytes.count - position >= count else { throw Malformed() }
        position += count
    }

    mutating func number() throws(Malformed) -> UInt16 {
        let start = position
        try skip(2)
        return UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1])
    }

    /// A name in lower case, without a dot at the end (RFC 1035 section 4.1.4).
    mutating func name() throws(Malformed) -> String {
        var text: [UInt8] = []
        var place = position
        var end: Int?
        while true {
            guard place < bytes.count else { throw Malformed() }
            let length = Int(bytes[place])
            if length >= 0xC0 {
                guard place + 1 < bytes.count else { throw Malformed() }
                let target = (length & 0x3F) << 8 | Int(bytes[place + 1])
                // Backwards only, so that it ends.
                guard target < place else { throw Malformed() }
                if end == nil { end = place + 2 }
                place = target
                continue
            }
            guard length < 0x40, bytes.count - place > length else { throw Malformed() }
            if length == 0 { break }
            if !text.isEmpty { text.append(ASCII.dot) }
            for byte in bytes[place + 1...place + length] {
                guard byte > 0x20, byte < 0x7F, byte != ASCII.dot else { throw Malformed() }
                text.append(ASCII.lowercased(byte))
            }
            guard text.count <= 253 else { throw Malformed() }
            place += length + 1
        }
        position = end ?? place + 1
        return String(decoding: text, as: UTF8.self)
    }
}
