import Glibc
import TestSupport
import Testing

/// The commands of `penstock`: what they print where, and how they exit.
@Suite("60 Command line", .wholeProcess)
struct CommandLineTests {
    private func penstock(_ arguments: String..., in folder: TemporaryFolder? = nil) throws -> ChildProcess.Outcome {
        try ChildProcess.run([GatewayProcess.binary] + arguments, in: folder?.path, environment: ["NO_COLOR": "1"])
    }

    private static let good = """
        version: 1
        listeners: [{ name: public, address: "127.0.0.1:8080" }]
        upstreams: { shop: { endpoints: ["http://127.0.0.1:3000"] } }
        routes:
          - { path: "/users/{id}", methods: [GET], upstream: shop, timeout: 5s }
          - { path: "/{rest*}", respond: { body: rest } }
        """

    private static let mistaken = """
        version: 1
        listners: []
        listeners:
          - { name: public, address: "127.0.0.1:8080" }
          - { name: other, address: "127.0.0.1:8080" }
        timeouts: { head: 10 }
        functions:
          hello: { handler: missing.py:handler }
          node: { handler: app.py }
        upstreams:
          shop: { endpoints: ["ftp://127.0.0.1:3000"] }
        routes:
          - { path: /hello, fuction: hello }
          - { path: /gone, function: nobody }
          - { path: "/a/{x", respond: { status: 200 } }
          - { path: /same, respond: { status: 200 } }
          - { path: /same, respond: { status: 201 } }
          - { path: /up, upstream: shopp }
          - { path: /two, upstream: shop, respond: { status: 700 } }
        """

    private static func folder(_ yaml: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("routes.yaml", yaml + "\n")
        return folder
    }

    @Test func `check says every mistake at once, with its place`() throws {
        let outcome = try penstock("check", in: Self.folder(Self.mistaken))
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        let places = outcome.errors.split(separator: "\n").filter { $0.contains(": error: ") }
            .map { $0.split(separator: " ")[0] }
        #expect(
            places == [
                "routes.yaml:2:1:", "routes.yaml:5:29:", "routes.yaml:6:19:", "routes.yaml:8:21:", "routes.yaml:9:20:",
                "routes.yaml:11:23:", "routes.yaml:13:21:", "routes.yaml:14:30:", "routes.yaml:15:13:",
                "routes.yaml:17:5:",
                "routes.yaml:18:28:", "routes.yaml:19:35:", "routes.yaml:19:54:",
            ]
        )
        let words = [
            "did you mean 'listeners'?", "is listed twice", "write '10s'", "there is no file 'missing.py'",
            "names no function", "unknown key 'fuction' in a route; did you mean 'function'?",
            "there is no function 'nobody'", "never match", "did you mean 'shop'?",
            "- { path: /hello, fuction: hello }\n                    ^\n",
        ]
        for text in words { #expect(outcome.errors.contains(text), "\(text)") }
        #expect(!outcome.errors.contains("\u{1B}"))
    }

    @Test func `serve says the same mistakes, and does not start`() throws {
        let folder = try Self.folder(Self.mistaken)
        let served = try penstock("serve", in: folder)
        #expect(served.status == 2)
        #expect(served.errors.contains("did you mean 'listeners'?"))
    }

    @Test func `check is content with a good file`() throws {
        let outcome = try penstock("check", in: Self.folder(Self.good))
        #expect(outcome.status == 0)
        #expect(outcome.output == "routes.yaml: ok: 2 routes, 0 functions, 1 upstream\n")
        #expect(outcome.errors == "")
    }

    @Test func `the tour of the repository is a good file`() throws {
        let outcome = try penstock("check", "\(GatewayProcess.repository)/routes.yaml")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func `a program of the file's own folder is not one on PATH`() throws {
        let folder = try Self.folder(
            """
            version: 1
            functions:
              own: { command: [./true], protocol: exec }
              script: { handler: hello.py:hello, interpreter: ./python3 }
            routes: [{ path: /, function: own }, { path: /script, function: script }]
            """
        )
        try folder.write("true", "#!/bin/sh\necho '\"own\"'\n", mode: 0o755)
        try folder.write("hello.py", "def hello(event, context): return 'python'\n")
        try folder.write("python3", "#!/bin/sh\necho ./real\n", mode: 0o755)
        _ = try ChildProcess.run(["cp", "-s", "/usr/bin/python3", "real"], in: folder.path)
        let checked = try penstock("check", in: folder)
        #expect(checked.status == 0, "\(checked)")
        #expect(checked.errors.contains("the interpreter './python3' is ./real"), "\(checked)")
        #expect(try penstock("invoke", "own", in: folder).output.hasPrefix("\"own\"\n"))
        #expect(try penstock("invoke", "script", in: folder).output.hasPrefix("\"python\"\n"))
    }

    @Test func `a file that is not there is named`() throws {
        for command in ["check", "serve"] {
            let outcome = try penstock(command, "nowhere.yaml")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("nowhere.yaml"))
        }
    }

    @Test func `explain names the route, its parameters and its losers`() throws {
        let folder = try Self.folder(Self.good)
        let outcome = try penstock("explain", "GET", "http://shop.example.com/users/7?x=1", in: folder)
        #expect(outcome.status == 0)
        for text in ["GET /users/{id}", "id", "7", "upstream", "shop", "timeout", "5s"] {
            #expect(outcome.output.contains(text), "\(text) is not in \(outcome.output)")
        }
        let json = try penstock("explain", "GET", "/users/7", "--json", in: folder)
        #expect(try ChildProcess.run(["python3", "-m", "json.tool"], input: json.output).status == 0)
        #expect(try penstock("explain", "POST", "/users/7", in: folder).output.contains("rest"))
        #expect(try penstock("explain", "GET", "/", "-f", "nowhere.yaml").status == 2)
    }

    @Test func `explain and the gateway agree`() throws {
        let yaml = """
            version: 1
            listeners: [{ name: public, address: "\(Loopback.listener)" }]
            routes:
              - { name: one, path: "/a/{x}", methods: [GET], respond: { body: one } }
              - { name: two, path: "/a/b", hosts: ["*.example.com"], respond: { body: two } }
              - { name: three, path: "/{rest*}", match: { headers: { x-beta: true } }, respond: { body: three } }
              - { name: four, path: "/f/{rest*}", files: { root: . } }
              - { name: five, path: "/r/{rest*}", rewrite: { path: "/.{rest}" }, files: { root: . } }
            """
        let folder = try Self.folder(yaml)
        let requests = [
            ("GET", "http://example.org/a/b", "one"), ("GET", "http://www.example.com/a/b", "two"),
            ("GET", "http://example.org/a/c", "one"), ("POST", "http://example.org/a/c", "405"),
            ("GET", "http://example.org/z", "404"), ("POST", "http://example.org/f/one", "405"),
            ("OPTIONS", "http://example.org/f/one", "405"), ("GET", "http://example.org/r/", "400"),
        ]
        try withGateway(yaml, folder: folder) { gateway throws in
            for (method, url, expected) in requests {
                let explained = try penstock("explain", method, url, in: folder)
                #expect(explained.output.contains(expected), "\(method) \(url)\n\(explained.output)")
                let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
                let answer = try gateway.answer("\(method) /\(parts[2])\nHost: \(parts[1])")
                #expect(answer.status == 200 ? answer.text == expected : "\(answer.status)" == expected)
                #expect(explained.status == (answer.status == 200 ? 0 : 1))
            }
        }
    }

    @Test(arguments: [
        (["GET", "hello"], 2, "neither a URL"), (["GET", "/", "--listener", "publik"], 2, "did you mean 'public'?"),
        (["GET", "/", "--header", "bad"], 2, "write 'name: value'"), (["GET", "/%zz"], 1, "is answered with 400"),
        (["GET", "/users/7"], 0, ""), (["OPTIONS", "/only"], 0, ""), (["POST", "/only"], 1, ""),
        (["GET", "/nowhere"], 1, ""),
    ])
    func `explain ends with 2 where it was asked wrongly, with 1 where it would be refused`(
        _ arguments: [String],
        _ status: Int32,
        _ words: String
    ) throws {
        let folder = try Self.folder(
            """
            listeners: [{ name: public, address: "127.0.0.1:8080" }]
            routes: [{ path: "/users/{id}", respond: {} }, { path: /only, methods: [GET], respond: {} }]
            """
        )
        let outcome = try ChildProcess.run([GatewayProcess.binary, "explain"] + arguments, in: folder.path)
        #expect(outcome.status == status, "\(outcome)")
        #expect(words.isEmpty ? outcome.errors == "" : outcome.errors.contains(words), "\(outcome)")
    }

    @Test func `a command or function that is not there may be one that is meant`() throws {
        let chek = try penstock("chek")
        #expect(chek.status == 2)
        #expect(chek.errors.contains("There is no command 'chek'; did you mean 'check'?"), "\(chek)")
        let folder = try Self.folder(
            """
            functions: { hello: { command: [cat], protocol: exec } }
            routes: [{ path: /, function: hello }]
            """
        )
        let helo = try penstock("invoke", "helo", in: folder)
        #expect(helo.status == 2)
        #expect(helo.errors.contains("there is no function 'helo'; did you mean 'hello'?"), "\(helo)")
    }

    @Test func `a pipe that nobody writes to is an error, and one with a writer is read`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/routes.yaml"
        #expect(mkfifo(path, 0o600) == 0)
        let alone = try ChildProcess.run([GatewayProcess.binary, "check", path], seconds: 60)
        #expect(alone.status == 2)
        #expect(alone.errors.contains("is a pipe that nobody writes to"), "\(alone)")
        let command = "echo 'routes: [{ path: /, respond: {} }]' | '\(GatewayProcess.binary)' check /dev/stdin"
        let piped = try ChildProcess.run(["sh", "-c", command], seconds: 60)
        #expect(piped.output.hasSuffix("ok: 1 route, 0 functions, 0 upstreams\n"), "\(piped)")
    }

    @Test func `schema is JSON, and knows every key`() throws {
        let outcome = try penstock("schema")
        #expect(outcome.status == 0)
        #expect(try ChildProcess.run(["python3", "-m", "json.tool"], input: outcome.output).status == 0)
        for key in ["\"listeners\"", "\"trusted_proxies\"", "\"chunk_extensions\"", "\"first_byte\""] {
            #expect(outcome.output.contains(key))
        }
        let reference = try penstock("schema", "--markdown")
        #expect(reference.status == 0)
        #expect(reference.output.contains("trusted_proxies"))
    }

    @Test func `the version is said`() throws {
        for arguments in [["version"], ["--version"]] {
            let outcome = try ChildProcess.run([GatewayProcess.binary] + arguments)
            #expect(outcome.status == 0)
            #expect(outcome.output.hasPrefix("penstock 0."))
            #expect(outcome.errors == "")
        }
    }

    @Test(arguments: ["serve", "check", "explain", "invoke", "schema", "version"])
    func `every command has help with an example`(_ command: String) throws {
        let outcome = try penstock(command, "--help")
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.output.contains("Example:"))
        #expect(outcome.output.contains("penstock \(command)"))
    }

    @Test(arguments: [
        ["serv"], ["serve", "--nothing"], ["explain"], ["explain", "GET"], ["check", "a", "b"], ["invoke"],
    ])
    func `a mistake on the command line is exit code 2`(_ arguments: [String]) throws {
        let outcome = try ChildProcess.run([GatewayProcess.binary] + arguments)
        #expect(outcome.status == 2, "\(outcome)")
        #expect(outcome.output == "")
        #expect(
            outcome.errors.contains("Usage: penstock") || outcome.errors.contains("USAGE: penstock"),
            "\(outcome.errors)"
        )
    }

    @Test func `the announced requests can be copied as they are, and are for the listener that they name`() throws {
        let yaml = """
            listeners:
              - { name: public, address: "127.0.0.1:0" }
              - { name: inside, address: "127.0.0.1:0" }
            routes:
              - { path: "/it's", respond: { body: ok }, example: { query: { "a b": "Ada L & co's = 100% é" } } }
              - { path: /inside, listeners: [inside], respond: { body: no } }
              - { path: /asked, match: { query: { v: "2" } }, respond: { body: no } }
            """
        try withGateway(yaml) { gateway throws in
            let lines = gateway.log.split(separator: "\n").filter { $0.contains("curl ") }
            #expect(lines.count == 1)
            let line = try #require(lines.first)
            #expect(line.hasSuffix("/it'\\''s?a%20b=Ada%20L%20%26%20co%27s%20%3d%20100%25%20%c3%a9'"), "\(line)")
            let outcome = try ChildProcess.run(["sh", "-c", "\(line) --silent --max-time 20"])
            #expect(outcome.output.contains("200 OK") && outcome.output.hasSuffix("ok"), "\(line): \(outcome)")
        }
    }

    @Test func `the announcement names what there is, and requests that work`() throws {
        let yaml = """
            upstreams: { shop: { endpoints: ["http://127.0.0.1:3000"] } }
            routes:
              - { name: ping, path: /ping, methods: [GET], respond: { body: pong }, example: { query: { a: b } } }
              - { path: "/shop/{rest*}", upstream: shop }
            """
        try withGateway(yaml) { gateway throws in
            for text in ["listener  public", "upstream  shop", "route     GET /ping", "/shop/{rest*}"] {
                #expect(gateway.log.contains(text), "\(text)")
            }
            let line = try #require(gateway.log.split(separator: "\n").first { $0.contains("curl ") })
            let outcome = try ChildProcess.run(["sh", "-c", "\(line) --silent --max-time 20"])
            #expect(outcome.output.contains("200 OK") && outcome.output.hasSuffix("pong"), "\(line): \(outcome)")
        }
    }
}
