internal import PenstockBytes

extension Schema {
    static let handlerName = Kind.parsed(
        "`FILE:FUNCTION`",
        "a handler such as hello.py:lambda_handler",
        schema: Kind.variable(or: ["type": "string", "pattern": #"^.+\.(py|js|mjs|cjs):[^0-9\s:.-][^\s:.-]*$"#]),
        show: { _ in nil },
        parse: { (text) throws(Complaint) -> HandlerName in
            _ = try Kind.visible(text)
            guard let colon = text.lastIndex(of: ":") else {
                throw Complaint("names no function in its file", hint: missingFunction(text))
            }
            let file = String(text[..<colon])
            let function = String(text[text.index(after: colon)...])
            guard !file.isEmpty else { throw Complaint("names no file", hint: "write 'FILE:FUNCTION'") }
            guard let language = language(of: file) else {
                throw Complaint(
                    "is in a file of unknown language: .py, .js, .mjs and .cjs are known",
                    hint: "use 'command' for any other program"
                )
            }
            guard isIdentifier(function) else {
                throw Complaint("names no function in its file", hint: "write '\(file):\(customary(language))'")
            }
            return HandlerName(file: file, function: function, language: language)
        }
    )

    /// Decides where a function's code is.
    static func code(_ draft: FunctionDraft, _ reader: inout Reader) -> Configuration.Code? {
        if let handler = draft.handler { return .handler(functionHandler(handler, draft, reader)) }
        if let name = draft.swift { return .swift(name) }
        guard var program = draft.command.first else { return nil }
        if program.value.utf8.contains(ASCII.slash) {
            program.value = reader.resolve(program.value, at: program.position)
        }
        return .command(
            Configuration.FunctionCommand(
                arguments: [program] + draft.command.dropFirst(),
                protocol: draft.commandProtocol,
                directory: draft.directory ?? .unwritten(reader.resolve(".", at: program.position))
            )
        )
    }

    private static func functionHandler(
        _ handler: Located<HandlerName>,
        _ draft: FunctionDraft,
        _ reader: Reader
    ) -> Configuration.FunctionHandler {
        let file = reader.resolve(handler.value.file, at: handler.position)
        let language = handler.value.language
        var interpreter = draft.interpreter ?? .unwritten(language == .python ? "python3" : "node")
        if interpreter.value.utf8.contains(ASCII.slash) {
            interpreter.value = reader.resolve(interpreter.value, at: interpreter.position)
        }
        return Configuration.FunctionHandler(
            file: Located(file, at: handler.position),
            function: handler.value.function,
            language: language,
            interpreter: interpreter,
            directory: draft.directory ?? .unwritten(folder(of: file))
        )
    }

    /// The folder that a file is in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The folder that paths in a file are relative to; empty: the working directory.
    static func directory(of path: String) -> String {
        let folder = folder(of: path)
        return folder == "." && !path.hasPrefix("./") ? "" : folder
    }

    private static func language(of file: String) -> Configuration.Language? {
        if file.hasSuffix(".py") { return .python }
        return [".js", ".mjs", ".cjs"].contains(where: file.hasSuffix) ? .node : nil
    }

    private static func customary(_ language: Configuration.Language) -> String {
        language == .python ? "lambda_handler" : "handler"
    }

    private static func missingFunction(_ text: String) -> String {
        if let language = language(of: text) { return "write '\(text):\(customary(language))'" }
        // AWS writes `module.function`, where the file's ending is left to the runtime.
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count == 2, isIdentifier(String(pieces[1])) else { return "write 'FILE:FUNCTION'" }
        return "write '\(pieces[0]).py:\(pieces[1])' or '\(pieces[0]).mjs:\(pieces[1])'"
    }

    /// Whether Python or JavaScript may call a function so; letters outside ASCII are theirs to judge.
    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, !ASCII.isDigit(first) else { return false }
        return text.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x5F || $0 == 0x24 || $0 >= 0x80
        }
    }
}
