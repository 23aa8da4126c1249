internal import PenstockBytes

extension Schema {
    /// What an included file is filled into.
    struct IncludedFile: Sendable {
        var version = 1
        var functions: [Configuration.Function] = []
        var upstreams: [Configuration.Upstream] = []
        var routes: [Configuration.Route] = []
    }

    /// Files, and patterns of their names; read at once, so that what is wrong in them is known.
    static let include = Kind.line.located.list.transformed(
        show: { (_: [IncludedFile]) in [] },
        { patterns, _, reader in
            var taken: Set<String> = []
            var written: Set<String> = []
            return patterns.flatMap { pattern -> [IncludedFile] in
                guard written.insert(pattern.value).inserted else {
                    reader.error("'\(pattern.value.excerpt)' is listed twice", at: pattern.position)
                    return []
                }
                return paths(of: pattern, &reader).filter { taken.insert($0).inserted }
                    .compactMap { path in readIncluded(Located(path, at: pattern.position), &reader) }
            }
        }
    )

    /// The files that an entry of `include` stands for.
    private static func paths(of pattern: Located<String>, _ reader: inout Reader) -> [String] {
        guard let files = reader.surroundings.files else {
            reader.error("no file can be included here", at: pattern.position)
            reader.lacksFiles = true
            return []
        }
        let main = reader.sources[0].file
        guard pattern.value.contains(where: { "*?[".contains($0) }) else {
            let path = reader.resolve(pattern.value, at: pattern.position)
            if path != main { return [path] }
            reader.error("the file includes itself", at: pattern.position)
            return []
        }
        // A pattern may take the file itself in, which is there already.
        let found = files.matches(reader.surroundings.resolvePattern(pattern.value))
            .filter { $0 != main && files.kind($0) != .folder }
        if found.isEmpty { reader.warning("no file matches '\(pattern.value.excerpt)'", at: pattern.position) }
        return found
    }

    private static func readIncluded(_ path: Located<String>, _ reader: inout Reader) -> IncludedFile? {
        guard let files = reader.surroundings.files else { return nil }
        switch files.read(path.value, SourceText.limit) {
        case .failure(let failure):
            let hint = files.kind(path.value) == .folder ? "write '\(path.value.excerpt)/*.yaml'" : nil
            reader.error("the file '\(path.value.excerpt)' \(failure.reason)", at: path.position, hint: hint)
            reader.lacksFiles = true
            return nil
        case .success(let bytes):
            guard let root = reader.compose(SourceText(file: path.value, bytes: bytes, number: reader.sources.count))
            else { return nil }
            var file = IncludedFile()
            _ = includedShape.read(root, into: &file, &reader)
            for key in includedShape.fields.map(\.key) where !reader.hasRead(key, at: root.position) {
                reader.leaveUnread(key, at: reader.root)
            }
            return file
        }
    }

    private static let includedShape = Shape<IncludedFile>(
        "an included file",
        title: "include",
        summary: "",
        initial: IncludedFile(),
        elsewhere: Dictionary(uniqueKeysWithValues: processKeys.map { ($0, "it is set where the file is included") })
            .merging(["include": "included files include no others"]) { $1 },
        fields: [
            Field("version", \.version, version, "The version of this format."),
            Field("functions", \.functions, functions, "More functions."),
            Field("upstreams", \.upstreams, upstreams, "More upstreams."),
            Field("routes", \.routes, routes, "More routes."),
        ]
    )
}
