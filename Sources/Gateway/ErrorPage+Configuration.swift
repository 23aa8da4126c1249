import PenstockConfiguration
import PenstockHandlers
import PenstockTransport

extension ErrorPage {
    /// A page of the configuration; its file is read now where nobody has checked it.
    convenience init(_ page: Configuration.ErrorPage) throws(GatewayError) {
        let parts: [Part]
        let type: String
        switch page.source {
        case .text(let text):
            parts = Self.parts(of: text)
            type = page.type ?? "text/html; charset=utf-8"
        case .file(let path, let content):
            parts = [.text(try Self.content(of: path.value, content))]
            type = page.type ?? "\(ContentType.of(path: path.value))"
        }
        self.init(
            for: page.statuses.map(\.value.range),
            parts,
            contentType: type,
            replacesAnswers: page.intercepts
        )
    }

    private static func content(of path: String, _ content: [UInt8]?) throws(GatewayError) -> [UInt8] {
        if let content { return content }
        switch FileSystem.host().read(path, Configuration.ErrorPage.limit) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw GatewayError("error_pages: '\(path)' \(failure.reason)")
        }
    }

    /// The pieces of a text; what is no placeholder stands for itself.
    static func parts(of text: String) -> [Part] {
        let placeholders: [(name: String, part: Part)] = [
            ("{status}", .status), ("{message}", .message), ("{request_id}", .requestID),
        ]
        var parts: [Part] = []
        var rest = text[...]
        while let brace = rest.firstIndex(of: "{") {
            let found = placeholders.first { rest[brace...].hasPrefix($0.name) }
            let end = rest.index(brace, offsetBy: found?.name.count ?? 1)
            let literal = rest[..<(found == nil ? end : brace)]
            append(literal, to: &parts)
            if let found { parts.append(found.part) }
            rest = rest[end...]
        }
        append(rest, to: &parts)
        return parts.isEmpty ? [.text([])] : parts
    }

    private static func append(_ literal: Substring, to parts: inout [Part]) {
        guard !literal.isEmpty else { return }
        if case .text(let before)? = parts.last {
            parts[parts.count - 1] = .text(before + Array(literal.utf8))
        } else {
            parts.append(.text(Array(literal.utf8)))
        }
    }
}
