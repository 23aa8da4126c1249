internal import PenstockBytes

extension Schema {
    private struct ErrorPageDraft: Sendable {
        var statuses: [Located<Configuration.StatusRange>] = []
        var file: Located<String>?
        var body: String?
        var type: String?
        var intercepts = false
    }

    static let errorPages = Kind.object(
        Shape<ErrorPageDraft>(
            "an error page",
            title: "error_pages[]",
            summary: """
                What a client reads beside an error that the gateway answers itself; status, `Retry-After`, `Allow` and \
                `x-request-id` stay.
                """,
            initial: ErrorPageDraft(),
            exactlyOne: ["file", "body"],
            fields: [
                Field(
                    "status",
                    \.statuses,
                    errorStatus.located.list(notEmpty: "name a status"),
                    "The statuses that it is for.",
                    isRequired: true
                ),
                Field(
                    "file",
                    \.file,
                    Kind.path.located.optional,
                    "A file, read with the configuration; at most 1 MiB."
                ),
                Field(
                    "body",
                    \.body,
                    Kind.text.optional,
                    "A text, in which `{status}`, `{message}` and `{request_id}` are filled in."
                ),
                Field(
                    "type",
                    \.type,
                    Kind.line.optional,
                    "The content type.",
                    default: "what the file's name says; of a text `text/html; charset=utf-8`"
                ),
                Field(
                    "intercept",
                    \.intercepts,
                    Kind.boolean,
                    "Whether it also stands in the place of what an upstream or a function answers with such a status."
                ),
            ]
        ),
        initial: ErrorPageDraft()
    ) { draft, node, reader -> Configuration.ErrorPage? in
        guard !draft.statuses.isEmpty else { return nil }
        let source: Configuration.ErrorPage.Source
        if let file = draft.file {
            source = .file(file, content: nil)
        } else if let body = draft.body {
            source = .text(body)
        } else {
            return nil
        }
        return Configuration.ErrorPage(
            statuses: draft.statuses,
            source: source,
            type: draft.type,
            intercepts: draft.intercepts
        )
    }.list

    /// A status of errors, or a range of them.
    static let errorStatus = statusRange(
        from: 400,
        "a status such as 404, or a range such as 500-599",
        "'404' or '500-599'"
    )
}
