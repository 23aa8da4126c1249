import PenstockConfiguration

/// Any text is accepted, or refused with a place in it, and always alike; a secret is never shown.
func tryConfiguration(_ bytes: UnsafeRawBufferPointer) {
    let loaded = Configuration.parse(bytes: Array(bytes), file: "routes.yaml", surroundings)
    let errors = loaded.diagnostics.filter { $0.severity == .error }
    promise((loaded.configuration == nil) == !errors.isEmpty, "refused, and \(errors.count) errors")
    let lines = bytes.count { $0 == 0x0A } + 1
    for diagnostic in loaded.diagnostics {
        promise(!diagnostic.message.isEmpty, "an error without words")
        promise((0...lines).contains(diagnostic.line), "line \(diagnostic.line) of \(lines)")
    }
    let text = loaded.rendered()
    promise(loaded.diagnostics.isEmpty == text.isEmpty, "errors that nobody sees")
    if !bytes.contains(UInt8(ascii: "~")) { promise(!text.contains("~"), "a secret is shown: \(text)") }
    let again = Configuration.parse(bytes: Array(bytes), file: "routes.yaml", surroundings)
    promise(again.diagnostics == loaded.diagnostics, "read twice, other errors")
}

/// A machine where folders have no dot in their names, files have, and what is secret has a `~`.
private let surroundings = Surroundings(
    environment: { ["HOST": "127.0.0.1", "PORT": "8081", "EMPTY": "", "TOKEN": "~~~~"][$0] },
    directory: "/srv/app",
    files: FileSystem(
        kind: { path in
            if path.hasSuffix("missing") { return .missing }
            return path.split(separator: "/").last?.contains(".") == true ? .file : .folder
        },
        isExecutable: { $0.hasSuffix(".sh") },
        read: { path, _ in path.hasSuffix("missing") ? .failure(.init("does not exist")) : .success(Array("~~~~".utf8))
        },
        beginning: { path, count in
            .success(Array((path.hasSuffix(".sh") ? "#!/bin/sh\n" : "text\n").utf8.prefix(count)))
        },
        resolveInterpreter: { $0.isEmpty ? .failure(.init("was not found on PATH")) : .success("/usr/bin/\($0)") },
        findProgram: { $0.isEmpty ? .failure(.init("was not found on PATH")) : .success("/usr/bin/\($0)") }
    )
)
