internal import PenstockBytes

extension Kind {
    /// The longest secret that is read from a file, in bytes.
    static let secretLimit = 1 << 20

    /// Where a secret is.
    private struct SecretPlace: Sendable {
        var environment: Located<String>?
        var file: Located<String>?
    }

    /// A text, or `{ env: NAME }` or `{ file: PATH }`.
    static let secret = ValueKind<Secret>(
        type: "text or secret",
        expectation: "a text, { env: NAME } or { file: PATH }",
        schema: ["anyOf": [textSchema, secretForm.schema]],
        section: secretForm.section,
        read: { node, reader in
            if case .mapping = node.content { return secretForm.read(node, &reader) }
            return reader.text(node, "a text, { env: NAME } or { file: PATH }").map { Secret($0.value) }
        },
        show: { _ in nil }
    )

    /// `{ env: NAME }` or `{ file: PATH }`.
    static let secretForm = object(
        Shape<SecretPlace>(
            "a secret",
            title: "Secrets",
            summary:
                "`{ env: NAME }` or `{ file: PATH }` in the place of a text: never printed by any command, log or error.",
            initial: SecretPlace(),
            exactlyOne: ["env", "file"],
            fields: [
                Field(
                    "env",
                    \.environment,
                    line.located.optional,
                    "The variable of the gateway's environment that holds it."
                ),
                Field(
                    "file",
                    \.file,
                    path.located.optional,
                    "The file that holds it; one line end at its end is left out."
                ),
            ]
        ),
        initial: SecretPlace()
    ) { place, _, reader -> Secret? in
        if let name = place.environment { return variable(name, &reader) }
        if let path = place.file { return contents(path, &reader) }
        return nil
    }

    private static func variable(_ name: Located<String>, _ reader: inout Reader) -> Secret? {
        if let value = reader.surroundings.environment(name.value) { return Secret(value) }
        reader.error("the environment variable '\(name.value.excerpt)' is not set", at: name.position)
        return nil
    }

    private static func contents(_ path: Located<String>, _ reader: inout Reader) -> Secret? {
        guard let files = reader.surroundings.files else {
            reader.error("no secret can be read from a file here", at: path.position)
            return nil
        }
        switch files.read(path.value, secretLimit) {
        case .failure(let failure):
            reader.error("the secret's file '\(path.value.excerpt)' \(failure.reason)", at: path.position)
        case .success(let bytes):
            if let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) {
                return Secret(withoutLineEnd(text))
            }
            reader.error("the secret's file '\(path.value.excerpt)' is not a UTF-8 text", at: path.position)
        }
        return nil
    }

    private static func withoutLineEnd(_ text: String) -> String {
        // "\r\n" is one Character, so this drops either line end.
        text.last?.isNewline == true ? String(text.dropLast()) : text
    }
}
