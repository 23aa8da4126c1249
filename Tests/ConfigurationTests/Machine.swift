import PenstockConfiguration

/// The machine that the cases are read on: `/srv/app` is the folder of their file.
enum Machine {
    /// What may never be printed.
    static let secrets = ["hunter2", "from-a-file"]

    private static let environment = [
        "HOST": "127.0.0.1", "PORT": "8081", "EMPTY": "", "TOKEN": "hunter2", "WAIT": "2s", "YES": "true",
        "BAD_WAIT": "hunter2",
    ]

    private static let files: [String: String] = [
        "/srv/app/hello.py": "",
        "/srv/app/lib/hello.mjs": "",
        "/srv/app/bin/echo": "#!/bin/sh\n",
        "/srv/app/bin/binary": "\u{7F}ELF\u{0}",
        "/srv/app/bin/text": "echo hello\n",
        "/srv/app/bin/lost": "#! /usr/bin/nothing -e\n",
        "/srv/app/bin/windows": "#!/bin/sh\r\n",
        "/srv/app/bin/nobody": "#!\n",
        "/srv/app/locked.py": "",
        "/bin/sh": "\u{7F}ELF\u{0}",
        "/srv/app/notes.txt": "",
        "/srv/app/token": "from-a-file\n",
        "/srv/app/binary": "\u{0}",
    ]

    private static let folders: Set<String> = [
        "/srv/app", "/srv/app/lib", "/srv/app/bin", "/srv/app/public", "/srv/app/run", "/var/log",
    ]

    /// Files and folders above, `/usr/bin/python3.11` and `/usr/bin/node` behind their usual names, `cat` on PATH.
    private static let fileSystem = FileSystem(
        kind: { folders.contains($0) ? .folder : files[$0] != nil ? .file : .missing },
        isExecutable: { $0.hasPrefix("/srv/app/bin/") || $0 == "/bin/sh" },
        read: { path, _ in files[path].map { .success(Array($0.utf8)) } ?? .failure(.init("does not exist")) },
        beginning: { path, count in
            guard path != "/srv/app/locked.py" else { return .failure(.init("may not be read")) }
            return files[path].map { .success(Array($0.utf8.prefix(count))) } ?? .failure(.init("does not exist"))
        },
        resolveInterpreter: { name in
            switch name {
            case "python3": .success("/usr/bin/python3.11")
            case "node": .success("/usr/bin/node")
            case "cat": .success("/usr/bin/cat")
            default: .failure(.init("was not found on PATH"))
            }
        },
        findProgram: { $0 == "cat" ? .success("/usr/bin/cat") : .failure(.init("was not found on PATH")) }
    )

    /// Reads a text there; a first line `# checked against files` also looks at its files.
    static func parse(_ text: String) -> Configuration.Loaded {
        parse(bytes: Array(text.utf8), checkingFiles: text.hasPrefix("# checked against files"))
    }

    static func parse(bytes: [UInt8], checkingFiles: Bool = true) -> Configuration.Loaded {
        let surroundings = Surroundings(
            environment: { environment[$0] },
            directory: "/srv/app",
            files: checkingFiles ? fileSystem : nil
        )
        return Configuration.parse(bytes: bytes, file: "routes.yaml", surroundings)
    }
}
