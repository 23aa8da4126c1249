internal import PenstockBytes
internal import PenstockPatterns

extension Schema {
    private static let noRedirect = Configuration.Redirect(to: .unwritten(Template.empty))

    static let redirect = Kind.object(
        Shape<Configuration.Redirect>(
            "a redirect",
            title: "routes[].redirect",
            summary: "The query goes along where `to` has none of its own.",
            initial: noRedirect,
            fields: [
                Field(
                    "to",
                    \.to,
                    template(beginning: #"/(?!/)|\{path\}|[Hh][Tt][Tt][Pp][Ss]?://"#).located,
                    "A URL or path; `{NAME}` is a parameter of the path, or `{path}`, `{query}` or `{host}` of the request.",
                    isRequired: true
                ),
                Field("status", \.status, redirectStatus, "301, 302, 303, 307 or 308."),
            ]
        ),
        initial: noRedirect
    ) { redirect, _, _ in redirect.to.isWritten ? redirect : nil }

    private static let redirectStatus = Kind.parsed(
        "`301`, `302`, `303`, `307` or `308`",
        "a status of redirects such as 308",
        schema: Kind.variable(or: ["enum": [301, 302, 303, 307, 308]], quoted: "301|302|303|307|308"),
        show: { .number($0) },
        parse: { (text) throws(Complaint) in
            guard let status = Int(text), [301, 302, 303, 307, 308].contains(status) else {
                throw Complaint("is not one of 301, 302, 303, 307, 308")
            }
            return status
        }
    )

    static let respond = Kind.object(
        Shape<Configuration.Respond>(
            "a fixed response",
            title: "routes[].respond",
            summary: "The content type is `text/plain; charset=utf-8` unless `headers` sets another.",
            initial: Configuration.Respond(),
            fields: [
                Field("status", \.status, Kind.integer(200...599).located, "The status of the answer."),
                Field("body", \.body, Kind.text, "Its body."),
            ]
        ),
        initial: Configuration.Respond()
    ) { respond, node, reader in
        if [204, 205, 304].contains(respond.status.value), !respond.body.isEmpty {
            let place = node.entry("body")?.key.position ?? node.position
            reader.error("an answer with status \(respond.status.value) has no body", at: place)
        }
        return respond
    }

    private static let noFiles = Configuration.Files(root: .unwritten(""))

    static let files = Kind.object(
        Shape<Configuration.Files>(
            "'files'",
            title: "routes[].files",
            summary:
                "What `{x*}` or `{x+}` of the path took is the file below the root; without either, the whole path is.",
            initial: noFiles,
            fields: [
                Field("root", \.root, Kind.path.located, "The folder.", isRequired: true),
                Field("index", \.index, fileName, "The file that stands for a folder."),
                Field(
                    "precompressed",
                    \.precompressed,
                    Kind.boolean,
                    "Whether `x.br` or `x.gz` beside a file `x`, where it is not older, is sent to clients that take it."
                ),
            ]
        ),
        initial: noFiles
    ) { files, _, _ in files.root.isWritten ? files : nil }

    private static let fileName = Kind.parsed(
        "file name",
        "a file name such as index.html",
        schema: ["type": ["string", "number", "boolean"], "pattern": #"^(?!\.\.?$)[^/]+$"#],
        show: { .string($0) },
        parse: { (text) throws(Complaint) in
            _ = try Kind.visible(text)
            guard !text.contains("/"), text != ".", text != ".." else { throw Complaint("is not a file name") }
            return text
        }
    )

    static let rewrite = Kind.object(
        Shape<Rewrite>(
            "'rewrite'",
            title: "routes[].rewrite",
            summary: "Parameters are put in as they were received, in their encoded form.",
            initial: Rewrite(),
            fields: [
                Field(
                    "path",
                    \.path,
                    template(beginning: #"/|\{path\}"#).located.optional,
                    "The path; `{NAME}` is a parameter of the route's path, `{path}` the request's.",
                    isRequired: true
                )
            ]
        ),
        initial: Rewrite()
    )

    /// A template of a path or a URL.
    ///
    /// - Parameter pattern: what it begins with, for editors; where it is used that is checked with all the rest.
    /// - Returns: the kind of such templates.
    private static func template(beginning pattern: String) -> ValueKind<Template> {
        template(schema: Kind.variable(or: ["type": "string", "pattern": .string("^(\(pattern))")]))
    }

    static func template(schema: JSONValue) -> ValueKind<Template> {
        Kind.pattern(
            "template",
            "a text such as /{rest}",
            schema: schema,
            show: { .string($0.text) },
            parse: { (text) throws(PatternError) in try Template(parsing: text) }
        )
    }
}
