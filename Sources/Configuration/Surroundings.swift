internal import Glibc

/// What a configuration is read in: environment, files, interpreters.
///
/// Tests bring their own.
public struct Surroundings: Sendable {
    /// The value of an environment variable, `nil` where it is not set.
    public var environment: @Sendable (String) -> String?

    /// The folder that paths of the file are relative to; empty: the working directory.
    public var directory: String

    /// The files of the machine; `nil`: nothing that needs them is checked, and no secret can be read from one.
    public var files: FileSystem?

    public init(
        environment: @escaping @Sendable (String) -> String?,
        directory: String = "",
        files: FileSystem? = nil
    ) {
        self.environment = environment
        self.directory = directory
        self.files = files
    }

    /// The value of a variable of this process's environment.
    public static func processVariable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Resolves a path of the file; an absolute one stays as it is.
    func resolve(_ path: String) -> String {
        // Without a folder before it, `./x` keeps its slash: `x` would be looked for on PATH.
        if path.hasPrefix("/") || directory.isEmpty { return path }
        if path == "." { return directory }
        if path.hasPrefix("./"), path.utf8.count > 2 { return resolve(String(path.dropFirst(2))) }
        return directory.hasSuffix("/") ? directory + path : "\(directory)/\(path)"
    }
}

extension Surroundings {
    /// Resolves a pattern of paths, in which `*`, `?` and `[` of the folder itself stand for themselves.
    func resolvePattern(_ pattern: String) -> String {
        var escaped = self
        escaped.directory = directory.reduce(into: "") { text, character in
            if "*?[\\".contains(character) { text += "\\" }
            text.append(character)
        }
        return escaped.resolve(pattern)
    }
}

/// What the checks ask of the machine.
public struct FileSystem: Sendable {
    /// What stands at a path, links followed.
    public enum Kind: Sendable {
        case file, folder, other, missing
    }

    /// Why a program was not found, in words that go on from its name: `was not found on PATH`.
    public struct Failure: Error, Equatable, Sendable {
        public let reason: String
        public init(_ reason: String) { self.reason = reason }
    }

    /// What stands at a path.
    public var kind: @Sendable (_ path: String) -> Kind

    /// Whether this process may execute the file at a path.
    public var isExecutable: @Sendable (_ path: String) -> Bool

    /// The bytes of a file, at most `limit` of them.
    public var read: @Sendable (_ path: String, _ limit: Int) -> Result<[UInt8], Failure>

    /// The paths that fit a pattern as a shell reads it, sorted by their bytes.
    public var matches: @Sendable (_ pattern: String) -> [String]

    /// The first bytes of a file, at most `count` of them.
    public var beginning: @Sendable (_ path: String, _ count: Int) -> Result<[UInt8], Failure>

    /// The real interpreter behind a name or path; asked once for each name in a file.
    public var resolveInterpreter: @Sendable (_ name: String) -> Result<String, Failure>

    /// The program behind a name without a slash.
    public var findProgram: @Sendable (_ name: String) -> Result<String, Failure>

    public init(
        kind: @escaping @Sendable (String) -> Kind,
        isExecutable: @escaping @Sendable (String) -> Bool,
        read: @escaping @Sendable (String, Int) -> Result<[UInt8], Failure>,
        matches: @escaping @Sendable (String) -> [String] = { _ in [] },
        beginning: @escaping @Sendable (String, Int) -> Result<[UInt8], Failure>,
        resolveInterpreter: @escaping @Sendable (String) -> Result<String, Failure>,
        findProgram: @escaping @Sendable (String) -> Result<String, Failure>
    ) {
        self.kind = kind
        self.isExecutable = isExecutable
        self.read = read
        self.matches = matches
        self.beginning = beginning
        self.resolveInterpreter = resolveInterpreter
        self.findProgram = findProgram
    }
}
