internal import Glibc
internal import PenstockHTTP
internal import PenstockNetworking
internal import PenstockSystem
public import PenstockTransport

/// The way into handlers that clients use: HTTP/1.1 over a socket.
///
/// Client, server and loop live on the test's own thread, and take turns.
public final class LiveFront {
    /// How many bytes of a response the client reads at a time.
    public var step = 65_536

    /// Seconds until an exchange that has not ended is given up.
    public var patience = 20.0

    private let context: LoopContext
    private let server: Server
    private let socket: FileDescriptor
    private let state: ListenerState
    private let address: SocketAddress

    /// A server for one handler on a port of its own.
    ///
    /// - Parameters:
    ///   - handler: the first handler of every exchange.
    ///   - listener: the listener's number.
    /// - Throws: an error of the system.
    public init(_ handler: any Handler, listener: Int = 0) throws {
        context = LoopContext(loop: try EventLoop(index: 0))
        server = Server(context: context, limits: ConnectionLimits()) { _ in }
        let settings = ServerSettings(
            name: "live",
            index: listener,
            limits: HeadLimits(),
            handler: handler,
            recorder: NoRecorder()
        )
        state = ListenerState(settings)
        socket = try Socket.listen(on: SocketAddress(ipv4: [127, 0, 0, 1], port: 0), onlyIPv6: false, backlog: 16)
        guard let address = Socket.localAddress(of: socket.rawValue) else { throw SystemError(call: "getsockname") }
        self.address = address
        try server.listen(socket.rawValue, state)
    }

    deinit {
        server.kill()
        server.close(state)
        context.loop.close()
    }

    private final class NoRecorder: ExchangeRecorder {
        func ended(_ exchange: Exchange) {}
    }

    /// Sends a request on a connection of its own and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - head: request line and fields, with a line feed behind each; a `Host` is added where there is none.
    ///   - body: sent as fast as the gateway takes it.
    /// - Returns: what came back.
    /// - Throws: an error of the client's socket.
    public func answer(_ head: String, body: [UInt8] = []) throws -> ScriptedAnswer {
        var request = ArraySlice(ScriptedFront.wire(head, body) + body)
        let client = try Socket.connect(to: address)
        var answer: [UInt8] = []
        let deadline = Patience.now() + patience
        while Patience.now() < deadline {
            context.loop.stop()
            context.loop.run()
            if !request.isEmpty {
                let sent = try? request.withUnsafeBytes { try Socket.send(client.rawValue, $0) }
                request = sent.map { request.dropFirst($0) } ?? []
            }
            if try !receive(client, &answer) { break }
        }
        return Self.read(answer, isHead: head.hasPrefix("HEAD "))
    }

    /// Reads what is there; `false` at the end of the connection.
    private func receive(_ client: borrowing FileDescriptor, _ answer: inout [UInt8]) throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: step)
        let socket = client.rawValue
        let count = try chunk.withUnsafeMutableBytes { try Socket.receive(socket, into: $0) }
        guard let count else {
            usleep(50)
            return true
        }
        answer += chunk[..<count]
        return count > 0
    }

    /// Reads an answer that ended with its connection.
    private static func read(_ bytes: [UInt8], isHead: Bool) -> ScriptedAnswer {
        var answer = ScriptedAnswer()
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return answer }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        answer.status = lines.first.map { $0.split(separator: " ") }.flatMap { Int($0[1]) } ?? 0
        for line in lines.dropFirst() {
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            answer.fields.append((String(line[..<colon]), String(line[colon...].dropFirst(2))))
        }
        answer.contentLength = answer["content-length"].flatMap(Int.init)
        answer.omitsServer = answer["server"] == nil
        answer.body = Array(bytes[end.upperBound...])
        if isHead || answer.status == 204 || answer.status == 304 {
            answer.isWhole = answer.body.isEmpty
        } else if answer["transfer-encoding"] == "chunked" {
            (answer.body, answer.isWhole) = dechunk(answer.body)
        } else {
            answer.isWhole = answer.body.count == answer.contentLength ?? answer.body.count
        }
        answer.isCut = !answer.isWhole
        return answer
    }

    private static func dechunk(_ bytes: [UInt8]) -> ([UInt8], Bool) {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            guard let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16) else { break }
            rest = rest[end.upperBound...]
            if size == 0 { return (body, true) }
            guard rest.count >= size + 2 else { break }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return (body, false)
    }
}

/// Two ways to one handler gave two answers.
public struct FrontsDiffer: Error, CustomStringConvertible {
    /// Both answers.
    public let description: String
}

/// Asks a handler over both fronts, and answers what they agree on.
///
/// - Parameters:
///   - head: as ``ScriptedFront/answer(_:body:)`` takes it.
///   - body: the request's body.
///   - listener: the listener's number.
///   - handler: makes the handler anew for each front.
/// - Returns: the answer over the script.
/// - Throws: ``FrontsDiffer``, or an error of the system.
public func answerOverBoth(
    _ head: String,
    body: [UInt8] = [],
    listener: Int = 0,
    _ handler: () throws -> any Handler
) throws -> ScriptedAnswer {
    let scripted = try ScriptedFront(try handler(), listener: listener).answer(head, body: body)
    let live = try LiveFront(try handler(), listener: listener).answer(head, body: body)
    guard scripted.essence == live.essence else {
        throw FrontsDiffer(description: "\(head)\n--- script:\n\(scripted.essence)\n--- HTTP/1:\n\(live.essence)")
    }
    return scripted
}
