import Glibc
import TestSupport
import Testing

@testable import PenstockConfiguration

@Suite("Loading, settings, Swift functions")
struct LoadingTests {
    /// Folder, path, what it resolves to.
    @Test(arguments: [
        ("", "x", "x"), ("", "./x", "./x"), ("", "bin/x", "bin/x"), ("", "/x", "/x"), ("", ".", "."),
        (".", "./x", "./x"), ("/srv", "./x", "/srv/x"), ("/srv", "././x", "/srv/x"), ("/srv", ".", "/srv"),
        ("/", "./x", "/x"),
    ])
    func `a path with a slash never becomes a name that is looked for on PATH`(_ row: (String, String, String)) {
        let surroundings = Surroundings(environment: { _ in nil }, directory: row.0)
        #expect(surroundings.resolve(row.1) == row.2)
    }

    @Test
    func `a file is read in its folder`() throws {
        let folder = try TemporaryFolder()
        try folder.write("hello.py", "")
        try folder.write("secret", "hunter2\r\n")
        try folder.write("run.sh", "#!/bin/sh\n", mode: 0o755)
        try folder.write(
            "routes.yaml",
            """
            functions:
              hello: { handler: hello.py:f, interpreter: /bin/sh, environment: { KEY: { file: secret } } }
              run: { command: ./run.sh }
              cat: { command: cat }
            """
        )
        let loaded = Configuration.load("\(folder.path)/routes.yaml")
        let functions = try #require(loaded.configuration, "\(loaded.rendered())").functions
        guard case .handler(let handler) = functions[0].code, case .command(let run) = functions[1].code,
            case .command(let cat) = functions[2].code
        else {
            Issue.record("\(functions)")
            return
        }
        #expect(handler.file.value == "\(folder.path)/hello.py")
        #expect(handler.directory.value == folder.path)
        #expect(handler.interpreterPath == "/bin/sh")
        #expect(functions[0].environment[0].value.reveal() == "hunter2")
        #expect(run.programPath == "\(folder.path)/run.sh")
        #expect(cat.programPath?.hasSuffix("/cat") == true)
    }

    @Test
    func `a program without the right to run is an error`() throws {
        let folder = try TemporaryFolder()
        try folder.write("run.sh", "#!/bin/sh\n")
        try folder.write("routes.yaml", "functions: { run: { command: ./run.sh } }\n")
        let loaded = Configuration.load("\(folder.path)/routes.yaml")
        #expect(loaded.configuration == nil)
        #expect(loaded.rendered().contains("is not executable"))
    }

    @Test(arguments: [("/nowhere/routes.yaml", "does not exist"), ("/tmp", "is a folder")])
    func `a file that cannot be read is an error of its own`(_ path: String, _ reason: String) {
        let loaded = Configuration.load(path)
        #expect(loaded.configuration == nil)
        #expect(loaded.rendered() == "\(path): error: the file \(reason)\n")
    }

    @Test(arguments: [
        ("x.py", "/srv/app/x.py"), ("./x.py", "/srv/app/x.py"), ("../x.py", "/srv/app/../x.py"), ("/x.py", "/x.py"),
        (".", "/srv/app"), ("././x", "/srv/app/x"), ("./", "/srv/app/./"),
    ])
    func `paths are relative to the file`(_ path: String, _ expected: String) {
        #expect(Surroundings(environment: { _ in nil }, directory: "/srv/app").resolve(path) == expected)
    }

    @Test
    func `every limit and timeout tells who set it`() throws {
        let text = """
            limits: { body: 1MiB, fields: 50, connections: none }
            timeouts: { idle: 5s }
            listeners: [{ address: ":1", limits: { fields: 60 }, timeouts: { head: 250ms } }]
            routes: [{ path: /, respond: {}, limits: { body: none } }]
            """
        let configuration = try #require(Machine.parse(text).configuration)
        let settings = configuration.settings(of: configuration.listeners[0], configuration.routes[0])
        func setting(_ key: String) -> Setting? { settings.first { $0.key == key } }
        #expect(settings.count == 14)
        #expect(
            setting("limits.body")
                == Setting(key: "limits.body", value: "none", origin: .route(.init(line: 4, column: 50)))
        )
        #expect(
            setting("limits.fields")
                == Setting(key: "limits.fields", value: "60", origin: .listener(.init(line: 3, column: 48)))
        )
        #expect(
            setting("limits.connections")
                == Setting(key: "limits.connections", value: "none", origin: .process(.init(line: 1, column: 48)))
        )
        #expect(setting("limits.head") == Setting(key: "limits.head", value: "64KiB", origin: .standard))
        #expect(
            setting("timeouts.head")
                == Setting(key: "timeouts.head", value: "250ms", origin: .listener(.init(line: 3, column: 72)))
        )
        #expect(
            setting("timeouts.idle")
                == Setting(key: "timeouts.idle", value: "5s", origin: .process(.init(line: 2, column: 19)))
        )
    }

    @Test
    func `what the defaults say is said at their place`() throws {
        let text = """
            defaults: { function: { timeout: 9s }, route: { limits: { body: 1MiB } } }
            functions: { f: { command: cat } }
            routes: [{ path: /, function: f }]
            """
        let configuration = try #require(Machine.parse(text).configuration)
        let settings = configuration.settings(of: configuration.listeners[0], configuration.routes[0])
        #expect(
            settings.first { $0.key == "limits.body" }
                == Setting(key: "limits.body", value: "1MiB", origin: .route(.init(line: 1, column: 65)))
        )
        #expect(
            configuration.functions[0].settings.first { $0.key == "timeout" }
                == Setting(key: "timeout", value: "9s", origin: .function(.init(line: 1, column: 34)))
        )
    }

    @Test(
        arguments: [
            (
                nil,
                [
                    "2:19 'greet' is a Swift function, which penstock itself does not have",
                    "3:19 'fast' is a Swift function, which penstock itself does not have",
                ]
            ),
            (["greet", "fast"], []),
            (["greet"], ["3:19 the program has no Swift function 'fast'"]),
            (
                ["greet", "fast", "more"],
                ["0:0 the program has a Swift function 'more' that no function of the file names"]
            ),
            ([], ["2:19 the program has no Swift function 'greet'", "3:19 the program has no Swift function 'fast'"]),
        ] as [([String]?, [String])]
    )
    func `Swift functions are those of the program`(_ available: [String]?, _ expected: [String]) throws {
        let text = """
            functions:
              greet: { swift: greet }
              quick: { swift: fast }
            """
        let configuration = try #require(Machine.parse(text).configuration)
        #expect(configuration.checkSwiftFunctions(available).map { "\($0.position) \($0.message)" } == expected)
        let served = Machine.parse(text).servedWith(swiftFunctions: available)
        #expect(served.diagnostics.map { "\($0.position) \($0.message)" } == expected)
        #expect((served.configuration == nil) == !expected.isEmpty)
    }

    @Test
    func `colour is there only where it is asked for`() {
        let loaded = Machine.parse("loops: 0\n")
        #expect(!loaded.rendered().contains("\u{1B}"))
        #expect(loaded.rendered(colour: true).contains("\u{1B}[1;31merror:\u{1B}[0m"))
    }

    @Test
    func `more problems than anybody reads are counted`() {
        let loaded = Machine.parse((0..<1500).map { "k\($0): 1\n" }.joined())
        #expect(loaded.diagnostics.count == 1001)
        #expect(loaded.diagnostics.last?.message == "500 more are not shown")
    }
}
