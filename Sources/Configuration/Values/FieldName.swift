internal import PenstockBytes

/// Names of HTTP's own grammar.
enum FieldName {
    /// What `headers:` of a route edits.
    enum Side: String {
        case request, response
    }

    /// Fields that belong to a connection or to the framing of a message, or name the request: the gateway computes
    /// them (trust.md).
    private static let own: Set<String> = [
        "connection", "content-length", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-request-id",
    ]

    /// Fields of a request that say who the client is and what it asked for, or that the gateway answers itself.
    private static let ofTheClient: Set<String> = [
        "expect", "forwarded", "x-original-url", "x-real-ip", "x-rewrite-url",
    ]

    /// A field's name in lower case (RFC 9110 section 5.1).
    static func parse(_ text: String) throws(Complaint) -> String {
        guard isToken(text), text.utf8.count <= 128 else { throw Complaint("is not a valid field name") }
        guard !text.hasPrefix(":") else { throw Complaint("is not a valid field name") }
        return text.lowercased()
    }

    /// A cookie's name, whose case counts (RFC 6265 section 4.1.1).
    static func cookie(_ text: String) throws(Complaint) -> String {
        guard isToken(text), text.utf8.count <= 128 else { throw Complaint("is not a valid name of a cookie") }
        return text
    }

    /// A field's name that a route may set or remove.
    static func editable(_ text: String, of side: Side) throws(Complaint) -> String {
        let name = try parse(text)
        let isOwn =
            own.contains(name) || name.hasPrefix("x-penstock-")
            || (side == .request && (ofTheClient.contains(name) || name.hasPrefix("x-forwarded-")))
        guard !isOwn else { throw Complaint("is a field of the gateway's own, which no route changes") }
        guard side == .response || !name.contains("_") else {
            throw Complaint("never arrives: fields with '_' in their name are dropped", hint: "write '-'")
        }
        return name
    }

    /// A field's name that a route may remove.
    static func removable(_ text: String, of side: Side) throws(Complaint) -> String {
        let name = try editable(text, of: side)
        guard name != (side == .request ? "host" : "date") else {
            throw Complaint("is in every \(side.rawValue)", hint: "'set' gives it another value")
        }
        return name
    }

    /// A method, in upper case as nearly all are (RFC 9110 section 9.1).
    static func method(_ text: String) throws(Complaint) -> String {
        guard !["ANY", "ALL", "*"].contains(text.uppercased()) else {
            throw Complaint("is not a method", hint: "leave 'methods' out to take every method")
        }
        guard isToken(text), text.utf8.count <= 32 else { throw Complaint("is not a method") }
        guard text == text.uppercased() else {
            throw Complaint("is not a method: they are in upper case", hint: "write '\(text.uppercased())'")
        }
        guard text != "CONNECT", text != "TRACE" else { throw Complaint("is refused by the gateway with 405") }
        return text
    }

    /// Whether the text is a token (RFC 9110 section 5.6.2).
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }
}

/// Names that the file itself gives.
enum GivenName {
    /// A function, an upstream: letters, digits, `_` and `-`, at most 64 of them.
    static func parse(_ text: String) throws(Complaint) -> String {
        let isValid = text.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x5F || $0 == 0x2D }
        guard isValid, (1...64).contains(text.utf8.count) else {
            throw Complaint("is not a valid name: letters, digits, '_' and '-', at most 64")
        }
        return text
    }

    /// A route: anything of one line, because the default is `METHOD path`.
    static func title(_ text: String) throws(Complaint) -> String {
        guard text.utf8.count <= 256, !text.unicodeScalars.contains(where: \.isBidirectionalControl) else {
            throw Complaint("is not a valid name: one line, at most 256 bytes")
        }
        return try Kind.visible(text)
    }

    /// A variable of the environment.
    static func variable(_ text: String) throws(Complaint) -> String {
        guard Interpolation.isName(text) else {
            throw Complaint("is not the name of a variable: letters, digits and '_', no digit first")
        }
        return text
    }
}
