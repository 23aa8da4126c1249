import Glibc
import PenstockBytes
import PenstockFunctions
import PenstockHTTP
import PenstockNetworking
import PenstockPatterns
import PenstockRouting
import PenstockTransport
import Testing

/// A file of `Cases/events`: settings, a request as it goes over the wire, a line of dashes, and its event.
///
/// Lines that begin with `> ` set the scene: `> route [METHOD,...] PATH`, `> trusted`, `> https`, `> from ADDRESS`,
/// `> chunked` (the body is what the chunks held). In the request `\xNN` is a byte. The event is one line of JSON, here
/// broken for reading between members; the request's id stands there as zeros.
struct EventCase: CustomTestStringConvertible, Sendable {
    let name: String
    let head: [UInt8]
    let body: [UInt8]
    let expected: String
    var methods: [String] = []
    var path = "/{rest*}"
    var isTrusted = false
    var isChunked = false
    var scheme: StaticString = "http"
    var peer = "203.0.113.9"
    var testDescription: String { name }

    /// When every request came: 12/Mar/2020:19:03:58.250 UTC.
    static let wallNanoseconds: Int64 = 1_584_039_838_250_000_000

    static let folder = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Cases/events"

    static let all: [EventCase] = {
        var names: [String] = []
        guard let directory = opendir(folder) else { preconditionFailure("no folder \(folder)") }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".txt") { names.append(String(name.dropLast(4))) }
        }
        return names.sorted().map(EventCase.init)
    }()

    init(_ name: String) {
        self.name = name
        let text = Self.read("\(Self.folder)/\(name).txt")
        let parts = text.split(separator: "----------\n", maxSplits: 1, omittingEmptySubsequences: false)
        var lines = parts[0].split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var settings: [String] = []
        while let line = lines.first, line.hasPrefix("> ") {
            settings.append(String(line.dropFirst(2)))
            lines.removeFirst()
        }
        lines.removeLast()  // behind the last line feed
        let end = lines.firstIndex(of: "") ?? lines.count
        head = lines[..<end].flatMap { AnswerCase.bytes($0) + [0x0D, 0x0A] } + [0x0D, 0x0A]
        body = AnswerCase.bytes(lines.dropFirst(end + 1).joined(separator: "\n"))
        expected = parts.count > 1 ? parts[1].split(separator: "\n").joined() : ""
        for setting in settings { apply(setting.split(separator: " ").map(String.init)) }
    }

    private mutating func apply(_ words: [String]) {
        switch words[0] {
        case "route":
            path = words[words.count - 1]
            if words.count > 2 { methods = words[1].split(separator: ",").map(String.init) }
        case "trusted": isTrusted = true
        case "chunked": isChunked = true
        case "https": scheme = "https"
        case "from": peer = words[1]
        default: preconditionFailure("\(name): \(words)")
        }
    }

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { preconditionFailure("no file \(path)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// The event, through parser, router and encoder.
    func event() throws -> String {
        let encoder = EventEncoder(path: path, methods: methods, parameterNames: try parameterNames())
        return try event { exchange in
            var output = ByteBuffer()
            body.withUnsafeBytes { body in
                encoder.encode(exchange, body: body, wallNanoseconds: Self.wallNanoseconds, to: &output)
            }
            return String(decoding: output.readable, as: UTF8.self)
        }
    }

    /// The event as `describe` gives it of the exchange, when parser and router have done their part.
    func event(_ describe: @escaping (Exchange) -> String) throws -> String {
        let recorder = Encoding(describe)
        let pattern = try PathPattern(parsing: path)
        let table = try RouteTable([RouteDescription(name: name, path: pattern, methods: methods)])
        let route = Route(
            index: 0,
            name: name,
            target: RouteTarget(kind: .function, handler: recorder),
            parameterNames: pattern.parameters
        )
        let settings = ServerSettings(
            name: "script",
            index: 0,
            limits: HeadLimits(),
            trusts: { _ in isTrusted },
            handler: Router(table: table, routes: [route]),
            recorder: recorder
        )
        let context = LoopContext(loop: try EventLoop(index: 0))
        let address = try #require(SocketAddress(literal: Array(peer.utf8), port: 4711))
        let connection = ConnectionInfo(peer: address, listener: ListenerState(settings), scheme: scheme)
        let exchange = context.takeExchange()
        var parser = RequestParser(limits: HeadLimits(), mergeSlashes: false, rejectEncodedSlashes: false)
        #expect(try parser.parse(head.span.bytes, into: exchange.head) == head.count)
        if case .length(let length) = exchange.head.framing { #expect(length == body.count) }
        exchange.begin(recorder, connection, body: isChunked ? .stream : body.isEmpty ? .none : .length(body.count))
        exchange.settings?.handler.handle(exchange)
        return recorder.text
    }

    func parameterNames() throws -> [String] {
        try PathPattern(parsing: path).parameters
    }
}

/// Encodes the event of every exchange that it gets.
private final class Encoding: Handler, ExchangeRecorder, ExchangeFront {
    private let describe: (Exchange) -> String
    var text = ""

    init(_ describe: @escaping (Exchange) -> String) { self.describe = describe }

    func handle(_ exchange: Exchange) {
        let id = String(decoding: exchange.requestID, as: UTF8.self)
        let zeros = "00000000-0000-4000-8000-000000000000"
        text = describe(exchange)
        if id.utf8.count == 36 { text = text.split(separator: id).joined(separator: zeros) }
    }

    func ended(_ exchange: Exchange) {}
    func respond(_ exchange: Exchange, end: Bool) { text = "answered with \(exchange.response.status)" }
    func respond(_ exchange: Exchange, body: RawSpan) { respond(exchange, end: true) }
    func inform(_ head: ResponseHead, _ exchange: Exchange) -> Int { 0 }
    func write(_ bytes: RawSpan, _ exchange: Exchange) -> Int { 0 }
    func end(trailers: FieldBlock?, _ exchange: Exchange) {}
    func consumed(_ count: Int, _ exchange: Exchange) {}
    func sendContinue(_ exchange: Exchange) {}
    func acceptTunnel(_ exchange: Exchange) {}
    func cut(_ exchange: Exchange) {}
}
