import Glibc
import PenstockHTTP
import PenstockSystem
import PenstockTransport
import TestSupport
import Testing

@testable import PenstockHandlers

@Suite("Static files")
struct StaticFilesHandlerTests {
    private let fixture: FileFixture

    init() throws {
        fixture = try FileFixture()
        try fixture.write("index.html", "<h1>Hello</h1>")
        try fixture.write("app.JS", "1")
        try fixture.write("a b/ü.txt", "unicode")
        try fixture.write("sub/index.html", "sub")
        try fixture.write("sub/page.css", "p{}")
        try fixture.write("bare/file", "no type")
        try fixture.write(".env", "secret")
        try fixture.write(".git/config", "secret")
        try fixture.write(".well-known/security.txt", "mail us")
        try fixture.write("empty.txt", "")
        try fixture.write("../outside.txt", "secret")
        symlink("../outside.txt", fixture.root + "/link.txt")
        symlink("index.html", fixture.root + "/inner.html")
        symlink("..", fixture.root + "/up")
        symlink("/etc", fixture.root + "/etc")
        mkfifo(fixture.root + "/pipe", 0o644)
    }

    private func front() throws -> ScriptedFront {
        try ScriptedFront(try StaticFilesHandler(root: fixture.root, parameter: nil))
    }

    private func answer(_ request: String) throws -> ScriptedAnswer {
        try answerOverBoth(request) { try StaticFilesHandler(root: fixture.root, parameter: nil) }
    }

    // MARK: What is served

    @Test(arguments: [
        ("/index.html", "text/html; charset=utf-8", "<h1>Hello</h1>"),
        ("/", "text/html; charset=utf-8", "<h1>Hello</h1>"),
        ("/app.JS", "text/javascript; charset=utf-8", "1"),
        ("/a%20b/%C3%BC.txt", "text/plain; charset=utf-8", "unicode"),
        ("/sub/", "text/html; charset=utf-8", "sub"),
        ("/sub/page.css?v=2", "text/css; charset=utf-8", "p{}"),
        ("/bare/file", "application/octet-stream", "no type"),
        ("/.well-known/security.txt", "text/plain; charset=utf-8", "mail us"),
        ("/empty.txt", "text/plain; charset=utf-8", ""),
        ("/sub/../index.html", "text/html; charset=utf-8", "<h1>Hello</h1>"),
    ])
    func `a file comes with its type and length`(_ target: String, _ type: String, _ body: String) throws {
        let answer = try answer("GET \(target)")
        #expect(answer.status == 200)
        #expect(answer["content-type"] == type)
        #expect(answer.contentLength == body.utf8.count)
        #expect(answer.text == body)
        #expect(answer.isWhole)
    }

    @Test(arguments: [
        "/missing", "/index.html/", "/index.html/x", "/sub/missing.css", "/bare/", "/bare", "/.env", "/.git/config",
        "/sub/.hidden", "/..%2foutside.txt", "/%2e%2e%2foutside.txt", "/sub%2Fpage.css", "/link.txt", "/inner.html",
        "/up/outside.txt", "/up/root/index.html", "/etc/passwd", "/pipe", "//index.html", "/sub//page.css", "/sub//",
        "//", "/a%20b/", "/" + String(repeating: "x", count: 300), "/etc/", "/up/",
    ])
    func `what is no file of ours is not found, and nothing hangs`(_ target: String) throws {
        let answer = try answer("GET \(target)")
        #expect(!answer.text.contains("secret"))
        // What could be dots to somebody is refused before a handler sees it.
        guard !target.lowercased().contains("..%2f"), !target.contains("%2e%2e") else {
            #expect(answer.status == 400 || answer.status == 404)
            return
        }
        #expect(answer.status == 404)
        #expect(answer.text.hasPrefix("{\"message\":\"Not Found\",\"requestId\":\""))
    }

    @Test
    func `a folder without its slash is redirected where it has an index`() throws {
        let answer = try answer("GET /sub?x=1")
        #expect(answer.status == 308)
        #expect(answer["location"] == "/sub/?x=1")
    }

    @Test
    func `HEAD has the fields of GET and no body`() throws {
        let get = try answer("GET /index.html")
        let head = try answer("HEAD /index.html")
        #expect(head.fields.map(\.name) == get.fields.map(\.name))
        #expect(head.fields.map(\.value) == get.fields.map(\.value))
        #expect(head.contentLength == 14)
        #expect(head.text.isEmpty)
        #expect(head.isWhole)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
    func `other methods are refused with what is allowed`(_ method: String) throws {
        let answer = try answer("\(method) /index.html")
        #expect(answer.status == 405)
        #expect(answer["allow"] == "GET, HEAD")
    }

    @Test
    func `a folder that is not there is an error at the start`() {
        #expect(throws: SystemError.self) { try StaticFilesHandler(root: fixture.root + "/no", parameter: nil) }
        #expect(throws: SystemError.self) { try StaticFilesHandler(root: fixture.root + "/index.html", parameter: nil) }
    }

    @Test
    func `the walk without openat2 has no way out either`() throws {
        let root = try FileRoot(fixture.root)
        for path in [
            "link.txt", "up/outside.txt", "etc/passwd", "../outside.txt", "inner.html", "sub/../../outside.txt",
        ] {
            #expect(throws: SystemError.self, "\(path)") { _ = try OpenFile(try root.walk(path)).isRegular }
        }
        let isRegular = try OpenFile(try root.walk("sub/page.css")).isRegular
        #expect(isRegular)
    }

    @Test(arguments: [
        ("", 308), ("/", 200), ("/sub/page.css", 200), ("/sub", 308), ("/sub/", 200), ("//", 404),
        ("//sub/page.css", 404),
        ("/sub//page.css", 404),
    ])
    func `below a prefix the route's last parameter is the file`(_ rest: String, _ status: Int) throws {
        let answer = try answerOverBoth("GET /assets\(rest)") {
            belowAssets(try StaticFilesHandler(root: fixture.root, parameter: 0))
        }
        #expect(answer.status == status)
        if status == 308 { #expect(answer["location"] == "/assets\(rest)/") }
    }

    // MARK: Conditions

    @Test
    func `a tag stays while the file does, and changes with it`() throws {
        let first = try answer("GET /sub/page.css")["etag"]
        #expect(try answer("GET /sub/page.css")["etag"] == first)
        try fixture.write("sub/page.css", "p{}")
        fixture.touch("sub/page.css", 1_000_000_000)
        #expect(try answer("GET /sub/page.css")["etag"] != first)
        #expect(first?.hasPrefix("\"") == true)
    }

    @Test(arguments: ["TAG", "W/TAG", "*", "\"x\", TAG", "\"x\",W/TAG , \"y\"", "\"a,b\", TAG"])
    func `a client that has the file gets 304 with its tag`(_ list: String) throws {
        let tag = try #require(try answer("GET /index.html")["etag"])
        let value = list.split(separator: "TAG", omittingEmptySubsequences: false).joined(separator: tag)
        let answer = try answer("GET /index.html\nIf-None-Match: \(value)")
        #expect(answer.status == 304)
        #expect(answer["etag"] == tag)
        #expect(answer.contentLength == nil)
        #expect(answer.text.isEmpty)
    }

    @Test(arguments: ["\"x\"", "TAG", "", "\"unclosed", "W/\"x\", \"y\""])
    func `another tag gets the file, whatever the date says`(_ list: String) throws {
        let answer = try answer(
            "GET /index.html\nIf-None-Match: \(list)\nIf-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT"
        )
        #expect(answer.status == 200)
    }

    @Test
    func `a tag in a second line counts`() throws {
        let tag = try #require(try answer("GET /index.html")["etag"])
        #expect(try answer("GET /index.html\nIf-None-Match: \"x\"\nIf-None-Match: \(tag)").status == 304)
    }

    @Test(arguments: [
        ("Sun, 09 Sep 2001 01:46:40 GMT", 304), ("Sun, 09 Sep 2001 01:46:41 GMT", 304),
        ("Sun, 09 Sep 2001 01:46:39 GMT", 200), ("Sunday, 09-Sep-01 01:46:40 GMT", 304),
        ("Sun Sep  9 01:46:40 2001", 304), ("yesterday", 200),
    ])
    func `a date decides where there is no tag`(_ date: String, _ status: Int) throws {
        fixture.touch("index.html", 1_000_000_000)
        let answer = try answer("GET /index.html\nIf-Modified-Since: \(date)")
        #expect(answer.status == status)
        #expect(answer["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT")
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (-1_000, "Wed, 31 Dec 1969 23:43:20 GMT"),
        (-1 << 31, "Fri, 13 Dec 1901 20:45:52 GMT"),
    ])
    func `a file may be of any time`(_ second: Int, _ text: String) throws {
        fixture.touch("index.html", second)
        let answer = try answer("GET /index.html")
        #expect(answer.status == 200)
        #expect(answer["last-modified"] == text)
        let tag = try #require(answer["etag"])
        #expect(try self.answer("GET /index.html\nIf-None-Match: \(tag)").status == 304)
    }

    @Test(arguments: [4_107_542_400, 253_402_300_800])
    func `a file of the future has changed just now`(_ second: Int) throws {
        fixture.touch("index.html", second)
        let before = time(nil)
        let answer = try front().answer("GET /index.html")
        let date = try #require(answer["last-modified"])
        let modified = try #require(Array(date.utf8).withUnsafeBytes { HTTPDate.parse($0) })
        #expect((before...time(nil)).contains(modified))
        #expect(try front().answer("GET /index.html\nIf-Modified-Since: \(date)").status == 200)
    }

    @Test(arguments: [
        ("If-Match: \"x\"", 412), ("If-Match: *", 200), ("If-Match: TAG", 200), ("If-Match: W/TAG", 412),
        ("If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT", 412),
        ("If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 200),
    ])
    func `a condition that does not hold is 412`(_ line: String, _ status: Int) throws {
        fixture.touch("index.html", 1_000_000_000)
        let tag = try #require(try answer("GET /index.html")["etag"])
        let field = line.split(separator: "TAG", omittingEmptySubsequences: false).joined(separator: tag)
        #expect(try answer("GET /index.html\n\(field)").status == status)
    }

    // MARK: Large files

    private static let large: [UInt8] = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    @Test(arguments: [4_000, 65_536, 200_000, 10_000_000])
    func `a large file arrives whole however slowly it is taken`(_ step: Int) throws {
        try fixture.write("large.bin", Self.large)
        let front = try front()
        front.step = step
        let answer = front.answer("GET /large.bin")
        #expect(answer.isWhole)
        #expect(answer.contentLength == Self.large.count)
        #expect(answer.body.outline == Self.large.outline)
        let live = try LiveFront(try StaticFilesHandler(root: fixture.root, parameter: nil))
        live.step = step
        #expect(try live.answer("GET /large.bin").body.outline == Self.large.outline)
    }

    @Test
    func `no more is read than the client has room for`() throws {
        try fixture.write("large.bin", Self.large)
        let script = try front().begin("GET /large.bin")
        #expect(script.answer.body.count <= Exchange.writeLimit + 65_536)
        script.leave()
    }

    @Test
    func `a file that becomes shorter cuts the answer`() throws {
        try fixture.write("large.bin", Self.large)
        let front = try front()
        let script = front.begin("GET /large.bin")
        try fixture.write("large.bin", "short")
        while !script.isOver {
            script.advance()
            front.runLoop()
        }
        #expect(script.answer.isCut)
        #expect(front.lastFailure?.contains("shorter") == true)
    }

    @Test
    func `a client that leaves closes the file`() throws {
        try fixture.write("large.bin", Self.large)
        let front = try front()
        for _ in 0..<50 { front.begin("GET /large.bin").leave() }
        for _ in 0..<10 { front.runLoop() }
        #expect(timesOpen("large.bin") == 0)
        let script = front.begin("GET /large.bin")
        #expect(timesOpen("large.bin") == 1)
        script.leave()
    }

    /// How many descriptors of this process are one of the fixture's files.
    private func timesOpen(_ name: String) -> Int {
        (0..<4096).count { number in
            var bytes = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/\(number)", &bytes, bytes.count)
            let path = String(decoding: bytes[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return path.hasSuffix("\(fixture.root)/\(name)")
        }
    }
}

/// Does what the router does for `/assets/{rest*}`.
private func belowAssets(_ files: StaticFilesHandler) -> PassingHandler {
    PassingHandler { exchange in
        let count = exchange.head.path.count
        exchange.parameters = [min(8, count)..<count]
        return files
    }
}
