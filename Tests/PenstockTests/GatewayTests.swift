import Glibc
import Penstock
import TestSupport
import Testing

@Suite("Penstock, the library")
struct GatewayTests {
    /// What a user writes, with no import but Penstock's.
    private static let functions: [String: SwiftFunction] = [
        "greet": .init { event in .init(statusCode: 200, body: "Hello, \(event.body ?? "")") },
        "fast": .init(blocking: false) { event in .init(headers: ["x-path": event.rawPath], body: [1, 2]) },
        "context": .init(blocking: false) { event, context in
            context.log(event.requestContext.http.method)
            return .init(statusCode: 204, cookies: ["id=\(context.awsRequestID)"])
        },
        "order": .init { event, context in
            let order = try event.decode(Order.self)
            guard order.count > 0 else { throw FunctionError(type: "EmptyOrder", "\(context.functionName): none") }
            return try .json(["item": JSONValue.string(order.item), "event": event.json])
        },
        "later": .init { event, context in
            try await Task.sleep(until: context.deadline)
            return .init(body: event.headers["host"])
        },
        "awaits": .init(concurrency: 2, answer),
    ]

    private struct Order: Codable {
        var item: String
        var count: Int
    }

    @Sendable private static func answer(_ event: Event) async throws -> Response {
        await Task.yield()
        return .init(body: event.queryStringParameters["name"])
    }

    @Test
    func `a file that is not there is exit code 2, and said`() async throws {
        let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
            try Gateway.run(configuration: "/nonexistent/routes.yaml", functions: GatewayTests.functions)
        }
        #expect(said(result).hasPrefix("/nonexistent/routes.yaml: error: the file "))
    }

    @Test
    func `names that only one side has are exit code 2, each with its place`() async throws {
        let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
            let file = try Folder().file(
                """
                version: 1
                listeners: [{ name: public, address: "127.0.0.1:0" }]
                functions: { hello: { swift: great }, fast: { swift: fast } }
                routes: [{ path: /, function: hello }, { path: /fast, function: fast }]
                """
            )
            try Gateway.run(configuration: file, functions: GatewayTests.functions.filter { $0.key.count < 6 })
        }
        let lines = said(result)
        #expect(
            lines.contains(":3:30: error: the program has no Swift function 'great'; did you mean 'greet'?"),
            "\(lines)"
        )
        for name in ["greet", "order", "later"] {
            #expect(lines.contains("error: the program has a Swift function '\(name)' that no function"), "\(lines)")
        }
        #expect(!lines.contains("'fast'"))
    }

    @Test
    func `an address in use is exit code 2, and named`() async throws {
        let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
            let folder = try Folder()
            let text = "version: 1\nlisteners: [{ name: public, address: \"127.0.0.1:\(try folder.takenPort())\" }]\n"
            let file = try folder.file(text + "routes: [{ path: /, respond: { status: 200 } }]\n")
            try Gateway.run(configuration: file)
        }
        #expect(said(result).contains("error: listener 'public': cannot listen on 127.0.0.1:"), "\(said(result))")
    }

    @Test
    func `a closure that never returns does not keep the gateway from ending`() async throws {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            alarm(60)
            let folder = try Folder()
            let file = try folder.file(
                """
                version: 1
                loops: 1
                drain: 100ms
                listeners: [{ name: public, address: "unix:public.sock" }]
                functions: { stuck: { swift: stuck } }
                routes: [{ path: /, function: stuck }]
                """
            )
            let stuck = SwiftFunction(blocking: false) { _ in
                kill(getpid(), SIGTERM)
                while true { pause() }
            }
            TestThread.start {
                try? Deadline.wait(for: "the listener") {
                    guard let client = try? RawClient(.unix("\(folder.path)/public.sock")) else { return false }
                    try client.request("GET /")
                    _ = try client.waitForEnd(seconds: 60)
                    return true
                }
            }
            try Gateway.run(configuration: file, functions: ["stuck": stuck])
        }
        #expect(said(result).contains("a loop is blocked"), "\(said(result))")
    }

    private func said(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }
}

/// A folder of its own for a configuration; what is in it is small, and the system clears `/tmp`.
private struct Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/penstock-library-XXXXXX".utf8CString)
        path = try template.withUnsafeMutableBufferPointer { buffer in
            let start = try #require(buffer.baseAddress)
            return String(cString: try #require(mkdtemp(start)))
        }
    }

    /// Writes `routes.yaml`, and answers its path.
    func file(_ text: String) throws -> String {
        let name = "\(path)/routes.yaml"
        let file = try #require(fopen(name, "w"))
        defer { fclose(file) }
        try #require(fputs(text, file) >= 0)
        return name
    }

    /// A port of 127.0.0.1 that somebody listens on, as long as this process lives.
    func takenPort() throws -> UInt16 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                try #require(bind(socket, generic, length) == 0 && listen(socket, 1) == 0)
                try #require(getsockname(socket, generic, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }
}
