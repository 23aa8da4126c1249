internal import PenstockBytes

extension Configuration {
    /// Checks what the file says of the machine: code, interpreters, programs, folders.
    ///
    /// What is found is put into the model, and said in notes.
    mutating func checkFiles(_ files: FileSystem, _ reader: inout Reader) {
        var interpreters = Interpreters(files: files)
        for index in functions.indices {
            switch functions[index].code {
            case .handler(var handler):
                check(handler, files, &reader)
                let name = functions[index].name
                handler.interpreterPath = interpreters.find(handler, functionAt: name, &reader)
                functions[index].code = .handler(handler)
            case .command(var command):
                command.programPath = program(of: command, files, &reader)
                checkFolder(command.directory, "directory", files, &reader)
                functions[index].code = .command(command)
            case .swift: break
            }
        }
        checkState(files, &reader)
        for target in routes.flatMap(\.targets) {
            if case .files(let target) = target { checkFolder(target.root, "root", files, &reader) }
        }
        for index in errorPages.indices { load(&errorPages[index], files, &reader) }
        for route in routes.indices {
            for index in routes[route].errorPages.indices { load(&routes[route].errorPages[index], files, &reader) }
        }
        for address in listeners.map(\.address) + (admin.map { [$0.address] } ?? []) {
            if case .unix(let path) = address.value { checkSocket(Located(path, at: address.position), files, &reader) }
        }
        if let log = accessLog, case .file(let path) = log.to.value {
            checkLog(Located(path, at: log.to.position), files, &reader)
        }
    }

    private func load(_ page: inout ErrorPage, _ files: FileSystem, _ reader: inout Reader) {
        guard case .file(let path, _) = page.source else { return }
        guard files.kind(path.value) == .file else {
            let isMissing = files.kind(path.value) == .missing
            let text = path.value.excerpt
            return reader.error(isMissing ? "there is no file '\(text)'" : "'\(text)' is not a file", at: path.position)
        }
        switch files.read(path.value, ErrorPage.limit) {
        case .success(let bytes): page.source = .file(path, content: bytes)
        case .failure(let failure): reader.error("'\(path.value.excerpt)' \(failure.reason)", at: path.position)
        }
    }

    private func check(_ handler: FunctionHandler, _ files: FileSystem, _ reader: inout Reader) {
        switch files.kind(handler.file.value) {
        case .file:
            if case .failure(let failure) = files.beginning(handler.file.value, 0) {
                reader.error("'\(handler.file.value.excerpt)' \(failure.reason)", at: handler.file.position)
            }
        case .missing: reader.error("there is no file '\(handler.file.value.excerpt)'", at: handler.file.position)
        default: reader.error("'\(handler.file.value.excerpt)' is not a file", at: handler.file.position)
        }
        if handler.directory.isWritten { checkFolder(handler.directory, "directory", files, &reader) }
    }

    private func checkFolder(_ path: Located<String>, _ key: String, _ files: FileSystem, _ reader: inout Reader) {
        guard path.isWritten else { return }
        switch files.kind(path.value) {
        case .folder: break
        case .missing: reader.error("there is no folder '\(path.value.excerpt)'", at: path.position)
        default: reader.error("'\(path.value.excerpt)' is not a folder", at: path.position)
        }
    }

    private func program(of command: FunctionCommand, _ files: FileSystem, _ reader: inout Reader) -> String? {
        guard let program = command.arguments.first else { return nil }
        guard program.value.utf8.contains(0x2F) else {
            switch files.findProgram(program.value) {
            case .success(let path): return path
            case .failure(let failure):
                reader.error(
                    "the program '\(program.value.excerpt)' \(failure.reason)",
                    at: program.position,
                    hint: "install it, or write its path"
                )
                return nil
            }
        }
        switch files.kind(program.value) {
        case .missing: reader.error("there is no file '\(program.value.excerpt)'", at: program.position)
        case .file where files.isExecutable(program.value):
            guard let flaw = files.flaw(ofProgram: program.value) else { return program.value }
            reader.error("'\(program.value.excerpt)' \(flaw.reason)", at: program.position, hint: flaw.hint)
        case .file:
            reader.error("'\(program.value.excerpt)' is not executable", at: program.position, hint: "chmod +x it")
        default: reader.error("'\(program.value.excerpt)' is not a program", at: program.position)
        }
        return nil
    }

    private func checkState(_ files: FileSystem, _ reader: inout Reader) {
        switch files.kind(state.value) {
        case .folder, .missing: break
        default: reader.error("'\(state.value.excerpt)' is not a folder", at: state.position)
        }
    }

    private func checkSocket(_ path: Located<String>, _ files: FileSystem, _ reader: inout Reader) {
        let folder = Schema.folder(of: path.value)
        if files.kind(folder) != .folder {
            reader.error("there is no folder '\(folder.excerpt)' for the socket", at: path.position)
            return
        }
        switch files.kind(path.value) {
        case .file, .folder: reader.error("'\(path.value.excerpt)' is there, and is no socket", at: path.position)
        case .other, .missing: break
        }
    }

    private func checkLog(_ path: Located<String>, _ files: FileSystem, _ reader: inout Reader) {
        let folder = Schema.folder(of: path.value)
        if files.kind(folder) != .folder {
            reader.error("there is no folder '\(folder.excerpt)' for the access log", at: path.position)
        } else if files.kind(path.value) == .folder {
            reader.error("'\(path.value.excerpt)' is a folder", at: path.position)
        }
    }
}

/// Interpreters, each looked for once.
private struct Interpreters {
    let files: FileSystem
    private var known: [String: Result<String, FileSystem.Failure>] = [:]

    init(files: FileSystem) { self.files = files }

    /// Finds the interpreter of a handler, and says which it is.
    ///
    /// - Parameters:
    ///   - handler: what it runs.
    ///   - name: the function's name, the place for what is said of an interpreter that nobody wrote.
    ///   - reader: where notes and errors go.
    /// - Returns: its path, or `nil` after an error.
    mutating func find(
        _ handler: Configuration.FunctionHandler,
        functionAt name: Located<String>,
        _ reader: inout Reader
    ) -> String? {
        let interpreter = handler.interpreter
        let place = interpreter.isWritten ? interpreter.position : name.position
        let isNew = known[interpreter.value] == nil
        let result = known[interpreter.value] ?? files.resolveInterpreter(interpreter.value)
        known[interpreter.value] = result
        switch result {
        case .success(let path):
            if isNew { reader.note("the interpreter '\(interpreter.value.excerpt)' is \(path)", at: place) }
            if !handler.language.isPlausible(interpreter: path) {
                reader.warning(
                    "\(path) does not look like an interpreter of \(handler.language.name), which the handler is in",
                    at: place
                )
            }
            return path
        case .failure(let failure):
            reader.error(
                "the interpreter '\(interpreter.value.excerpt)' \(failure.reason)",
                at: place,
                hint: "install it, or name another with 'interpreter'"
            )
            return nil
        }
    }
}

extension Configuration.Language {
    /// For messages: `Python`.
    fileprivate var name: String {
        switch self {
        case .python: "Python"
        case .node: "JavaScript"
        }
    }

    /// Whether a program's name is one that interpreters of the language have.
    fileprivate func isPlausible(interpreter path: String) -> Bool {
        let name = path.split(separator: "/").last?.lowercased() ?? ""
        let words =
            switch self {
            case .python: ["python", "pypy"]
            case .node: ["node", "bun", "deno", "electron"]
            }
        return words.contains(where: name.contains)
    }
}
