internal import PenstockBytes

extension Configuration {
    /// The functions that are Swift closures of the program that embeds the gateway.
    public var swiftFunctions: [Function] {
        functions.filter { if case .swift = $0.code { true } else { false } }
    }

    /// Checks the Swift functions of the file against those of the program.
    ///
    /// - Parameter available: the names that the program has; `nil`: it is `penstock` itself, which has none.
    /// - Returns: an error for each name that only one side has.
    public func checkSwiftFunctions(_ available: [String]?) -> [Diagnostic] {
        var diagnostics: [Diagnostic] = []
        var named: Set<String> = []
        for function in functions {
            guard case .swift(let name) = function.code else { continue }
            named.insert(name.value)
            if let problem = problem(with: name, available) { diagnostics.append(problem) }
        }
        for name in (available ?? []).sorted() where !named.contains(name) {
            let message = "the program has a Swift function '\(name)' that no function of the file names"
            let hint = "add 'swift: \(name)' to a function, or take it out of the program"
            diagnostics.append(Diagnostic(.error, file: file, at: .unwritten, message, hint: hint))
        }
        return diagnostics.sortedByPlace()
    }

    private func problem(with name: Located<String>, _ available: [String]?) -> Diagnostic? {
        guard let available else {
            return Diagnostic(
                .error,
                file: file(of: name.position),
                at: name.position,
                "'\(name.value.excerpt)' is a Swift function, which penstock itself does not have",
                hint: """
                    serve this file from a program that has it: Gateway.run(configuration: "\(file)", \
                    functions: ["\(name.value.excerpt)": ...])
                    """
            )
        }
        guard !available.contains(name.value) else { return nil }
        let near = suggestion(for: name.value, among: available).map { "did you mean '\($0)'?" }
        return Diagnostic(
            .error,
            file: file(of: name.position),
            at: name.position,
            "the program has no Swift function '\(name.value.excerpt)'",
            hint: near
        )
    }
}

extension Configuration.Loaded {
    /// The same file, checked against the Swift functions of the program that serves it.
    ///
    /// - Parameter available: the names that the program has; `nil`: it is `penstock` itself, which has none.
    /// - Returns: the file with the errors that this adds; there is no configuration where it adds one.
    public func servedWith(swiftFunctions available: [String]?) -> Configuration.Loaded {
        guard let configuration else { return self }
        let problems = configuration.checkSwiftFunctions(available)
        return Configuration.Loaded(
            configuration: problems.hasErrors ? nil : configuration,
            diagnostics: (diagnostics + problems).sortedByPlace(),
            sources: sources,
            state: state
        )
    }
}
