import Synchronization
import TestSupport
import Testing

/// Bodies that are larger than anybody's memory, answers that come before they are read, and clients that do not read.
@Suite("10 Bodies", .wholeProcess)
struct BodyTests {
    /// KiB that the gateway may grow by, whatever the size of a body.
    private static let allowance = 24 << 10

    private static let piece = [UInt8](repeating: 0x78, count: 1 << 20)

    @Test(arguments: [true, false])
    func `an upload larger than memory should be streams through`(_ isChunked: Bool) throws {
        let megabytes = isChunked ? 100 : 300
        let upstream = try ScriptedUpstream { connection in
            guard let head = try connection.head() else { return }
            var count = 0
            if head["content-length"] != nil {
                if try connection.skip(megabytes << 20) { count = megabytes << 20 }
            } else {
                while let chunk = try connection.chunk(), !chunk.isEmpty { count += chunk.count }
            }
            try connection.respond("200 OK", "\(count)")
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            let before = gateway.process.residentKiB
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(megabytes << 20)"
            try client.request("POST /\n\(framing)\n\n")
            for _ in 0..<megabytes {
                if isChunked { try client.send("100000\r\n") }
                try client.send(Self.piece)
                if isChunked { try client.send("\r\n") }
            }
            if isChunked { try client.send("0\r\n\r\n") }
            #expect(try client.response().text == "\(megabytes << 20)")
            #expect(gateway.process.peakResidentKiB - before < Self.allowance)
        }
    }

    @Test func `an upload that nobody takes is held back`() throws {
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.head()
            try Deadline.wait(for: "the gate") { gate.isOpen }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            let before = gateway.process.residentKiB
            try client.request("POST /\nContent-Length: \(100 << 20)\n\n")
            let bytes = [UInt8](repeating: 0x78, count: 64 << 20)
            let sent = try client.sendSome(bytes, seconds: 1.5)
            #expect(sent < bytes.count)
            gate.open()
            #expect(gateway.process.residentKiB - before < Self.allowance)
        }
    }

    @Test func `a large answer to a slow reader is held back`() throws {
        let megabytes = 100
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(megabytes << 20)\r\n\r\n")
            for _ in 0..<megabytes { try connection.send(Self.piece) }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect(receiveBuffer: 8192)
            let before = gateway.process.residentKiB
            try client.request("GET /")
            let head = try client.head()
            for _ in 0..<20 {
                _ = try client.take(10_000)
                _ = client.staysOpen(seconds: 0.02)
            }
            #expect(gateway.process.peakResidentKiB - before < Self.allowance)
            // It is all there for who comes back to read it.
            #expect(try client.skip((megabytes << 20) - 20 * 10_000))
            #expect(head.status == 200)
        }
    }

    @Test func `interim responses to a slow reader are held back`() throws {
        let line = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload; as=style\r\n\r\n"
        let piece = Array(String(repeating: line, count: 16_000).utf8)
        let sentPieces = Mutex(0)
        let gate = Gate()
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            for number in 1...64 {
                let sent = try connection.sendSome(piece, seconds: 1.5)
                guard sent < piece.count else { continue }
                sentPieces.withLock { $0 = number }
                gate.open()
                try connection.send(Array(piece[sent...]))
                return try connection.respond("200 OK", "final")
            }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect(receiveBuffer: 8192)
            let before = gateway.process.residentKiB
            try client.request("GET /")
            try Deadline.wait(for: "the upstream to be held back") { gate.isOpen }
            #expect(gateway.process.peakResidentKiB - before < Self.allowance)
            #expect(try client.skip(sentPieces.withLock { $0 } * piece.count))
            #expect(try client.response().text == "final")
        }
    }

    @Test func `a client that is still sending gets its answer`() throws {
        try withGateway("routes: [{ path: /small, limits: { body: 1KiB }, respond: { status: 200 } }]") {
            gateway throws in
            for path in ["/nowhere", "/small"] {
                let client = try gateway.connect()
                try client.request("POST \(path)\nContent-Length: \(50 << 20)\n\n")
                // The gateway answers after the head; the client notices only when it has sent a lot.
                _ = try? client.sendSome([UInt8](repeating: 0x78, count: 4 << 20), seconds: 3)
                let response = try client.response()
                #expect(response.status == (path == "/small" ? 413 : 404))
                #expect(!response.isCut)
            }
        }
    }

    @Test func `the trailers of a request do not stay with its connection`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway("loops: 1\n" + proxying(upstream.url)) { gateway throws in
            let body = "1\r\na\r\n0\r\nx-long: \(String(repeating: "x", count: 60_000))\r\n\r\n"
            func kept() throws -> RawClient {
                let client = try gateway.connect()
                #expect(try client.answer("POST /\nTransfer-Encoding: chunked\n\n\(body)").text == "a")
                return client
            }
            let first = try kept()
            let before = gateway.process.residentKiB
            let clients = try (0..<200).map { _ in try kept() }
            #expect(gateway.process.residentKiB - before < 4 << 10)
            for client in clients + [first] { client.close() }
        }
    }

    @Test func `a small body that nobody wants is read, and the connection kept`() throws {
        try withGateway("routes: [{ path: /, respond: { status: 200, body: here } }]") { gateway throws in
            let client = try gateway.connect()
            let body = String(repeating: "x", count: 100_000)
            for _ in 0..<3 {
                #expect(try client.answer("POST /\nContent-Length: 100000\n\n\(body)").text == "here")
                #expect(try client.answer("POST /\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n0\r\n\r\n").text == "here")
            }
        }
    }

    @Test(arguments: ["/respond", "/redirect", "/nowhere"])
    func `an answer to a body that will not be read says that the connection ends`(_ path: String) throws {
        let yaml = """
            routes:
              - { path: /respond, respond: { body: here } }
              - { path: /redirect, redirect: { to: "https://example.com/" } }
            """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST \(path)\nContent-Length: \(50 << 20)\n\n")
            #expect(try client.response().closes)
        }
    }

    @Test func `an upstream may answer before it has read the body`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.head()
            try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            connection.pause(milliseconds: 300)
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("POST /\nContent-Length: \(10 << 20)\n\n")
            _ = try? client.sendSome([UInt8](repeating: 0x78, count: 2 << 20), seconds: 3)
            let response = try client.response()
            #expect(response.status == 403)
            #expect(response.text == "no")
        }
    }

    @Test func `a client that goes away is let go of`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while true { try connection.send("100000\r\n" + String(decoding: Self.piece, as: UTF8.self) + "\r\n") }
        }
        try withGateway(proxying(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.request("GET /")
            _ = try client.head()
            _ = try client.chunk()
            client.reset()
            try Deadline.wait(for: "the upstream to be let go") { !upstream.failures.isEmpty }
            let other = try gateway.connect()
            try other.request("GET /")
            #expect(try other.head().status == 200)
        }
    }
}
