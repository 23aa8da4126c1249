import PenstockBytes
import PenstockHTTP
import Testing

@Suite("Mutated messages: no crash, no overread, no dependence on how the bytes come")
struct MutationTests {
    static let rounds = 12_000

    @Test func `requests`() {
        var mutator = Mutator(seed: 1, tables: ["requests"])
        for round in 0..<Self.rounds {
            let bytes = mutator.next()
            let whole = RequestReader(capacity: bytes.count)
            let result = whole.read(bytes)
            let pieces = RequestReader(capacity: bytes.count)
            let last = Self.last(mutator.cuts(bytes.count).lazy.map { pieces.read(bytes[..<$0]) })
            // The order in which two faults of one head are found depends on the pieces; that it is refused does not.
            let isSame = result.first?.isNumber == true ? last.first?.isNumber == true : result == last
            guard isSame, result.first?.isNumber == true || result == "more" || Self.isSound(whole.head) else {
                Issue.record("round \(round): \(result), in pieces \(last): \(Self.text(bytes))")
                return
            }
            if result.first?.isLetter == true, result != "more" {
                #expect(FieldTests.fields(whole.head.fields) == FieldTests.fields(pieces.head.fields))
            }
        }
    }

    @Test func `responses`() {
        var mutator = Mutator(seed: 2, tables: ["responses"])
        for round in 0..<Self.rounds {
            let bytes = mutator.next()
            let whole = ResponseReader(capacity: bytes.count, method: .get)
            let result = whole.read(bytes)
            let pieces = ResponseReader(capacity: bytes.count, method: .get)
            let last = Self.last(mutator.cuts(bytes.count).lazy.map { pieces.read(bytes[..<$0]) })
            guard result == last, Self.areSound(whole.head.fields) else {
                Issue.record("round \(round): \(result), in pieces \(last): \(Self.text(bytes))")
                return
            }
        }
    }

    @Test func `chunked bodies`() {
        var mutator = Mutator(seed: 3, tables: ["chunks"])
        for round in 0..<Self.rounds {
            let bytes = mutator.next()
            let result = ChunkReader(capacity: bytes.count).read([bytes[...]])
            var start = 0
            let pieces = mutator.cuts(bytes.count).map { end in
                defer { start = end }
                return bytes[start..<end]
            }
            let last = ChunkReader(capacity: bytes.count).read(pieces)
            guard result == last else {
                Issue.record("round \(round): \(result), in pieces \(last): \(Self.text(bytes))")
                return
            }
        }
    }

    /// The first result that is final, or that more is needed.
    private static func last(_ results: some Sequence<String>) -> String { results.first { $0 != "more" } ?? "more" }

    /// Whether a head that was accepted has nothing in it that a later part of the gateway relies on not being there.
    private static func isSound(_ head: RequestHead) -> Bool {
        let normalizer = PathNormalizer(mergeSlashes: false, rejectEncodedSlashes: false)
        var again = ByteBuffer()
        let isNormal: Bool
        if head.path.elementsEqual("*".utf8) {
            isNormal = head.targetForm == .asterisk
        } else {
            isNormal =
                head.path.first == ASCII.slash && (try? normalizer.normalize(head.path, to: &again)) != nil
                && again.readable.elementsEqual(head.path)
        }
        let isVisible = (head.query ?? head.path).allSatisfy { (0x21...0x7E).contains($0) }
        let hasHost = head.authority.isEmpty ? head.minorVersion == 0 : Authority.isValid(head.authority)
        return isNormal && isVisible && hasHost && FieldRules.isValidName(head.methodName) && areSound(head.fields)
    }

    private static func areSound(_ fields: FieldBlock) -> Bool {
        (0..<fields.count).allSatisfy { index in
            let name = fields.name(fields[index])
            return (name.isEmpty || FieldRules.isValidName(name))
                && FieldRules.isValidValue(fields.value(fields[index]))
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { "\(bytes)\n\(String(decoding: bytes, as: UTF8.self))" }
}

/// Makes new inputs out of the tables' rows, the same at each run.
struct Mutator {
    private var state: UInt64
    private let seeds: [[UInt8]]
    private let tokens: [[UInt8]] = [
        "\r\n", "\n", "\r", " ", "\t", ":", ",", ";", "\u{0}", "\u{7F}", "%2e", "%2f", "%25", "/", "..", "\\", "?", "#",
        "chunked", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "HTTP/1.0", "0",
        "\r\n\r\n",
    ].map { Array($0.utf8) }

    init(seed: UInt64, tables: [String]) {
        state = seed
        seeds = tables.flatMap { Case.rows($0) }.map(\.bytes).filter { $0.count < 700 }
    }

    /// A row's bytes with one to four changes.
    mutating func next() -> [UInt8] {
        var bytes = seeds[random(seeds.count)]
        for _ in 0...random(4) { change(&bytes) }
        return bytes
    }

    /// One to six rising offsets, the last of them `count`.
    mutating func cuts(_ count: Int) -> [Int] {
        var cuts = [count]
        for _ in 0..<random(6) { cuts.append(random(count + 1)) }
        return cuts.sorted()
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = random(bytes.count + 1)
        switch random(6) {
        case 0: bytes.insert(contentsOf: tokens[random(tokens.count)], at: place)
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random(256))
        case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8(random(8))
        case 3 where place < bytes.count: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random(4)))
        case 4:
            let end = min(bytes.count, place + random(40))
            bytes.insert(contentsOf: Array(bytes[place..<end]), at: random(bytes.count + 1))
        default:
            let other = seeds[random(seeds.count)]
            let start = random(other.count + 1)
            bytes.insert(contentsOf: other[start..<min(other.count, start + random(40))], at: place)
        }
    }

    /// 0..<bound, by SplitMix64.
    private mutating func random(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return bound == 0 ? 0 : Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
