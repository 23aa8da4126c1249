internal import PenstockBytes

/// The response that a function's JSON stands for (payload 2.0; contracts.md, section 3).
///
/// An object with `statusCode` describes a response; anything else is a response of status 200 whose body it is, a
/// string without its quotes. Only programs that answer in JSON (`json_lines`, `exec`) come here: the bootstraps of
/// Python and Node send responses taken apart already.
struct FunctionResult: ~Copyable {
    /// The status: 200, or what `statusCode` says.
    private(set) var status = 200

    /// Lines `name: value CR LF`; only line breaks have been looked for.
    private(set) var fields = ByteBuffer()

    /// The body's bytes.
    private(set) var body = ByteBuffer()

    /// Reads what a function answered.
    ///
    /// - Throws: ``InvocationError`` with what is wrong, in words for the function's author.
    init(json: UnsafeRawBufferPointer) throws(InvocationError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: json)
        } catch {
            throw .noJSON(error)
        }
        guard let object = value.object, let code = object["statusCode"] else {
            if let text = value.string { body.append(text) } else { body.append(Self.trimmed(json)) }
            return
        }
        status = try Self.status(code)
        try appendFields(object)
        try takeBody(object)
    }

    private static func trimmed(_ json: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        guard let start = json.firstIndex(where: { !isSpace($0) }), let end = json.lastIndex(where: { !isSpace($0) })
        else { return json }
        return UnsafeRawBufferPointer(rebasing: json[start...end])
    }

    /// A whole number, or a string of digits.
    private static func status(_ value: JSONValue) throws(InvocationError) -> Int {
        switch value {
        case .number(let text):
            if let status = Int(text) ?? Double(text).flatMap(Int.init(exactly:)) { return status }
        case .string(let text):
            if !text.isEmpty, text.utf8.count < 10, text.utf8.allSatisfy(ASCII.isDigit), let status = Int(text) {
                return status
            }
        case .null, .bool, .array, .object: break
        }
        throw FunctionReply.invalid("statusCode must be a number from 200 to 599, not \(value.jsonText.prefix(40))")
    }

    // MARK: Fields

    /// Takes `headers`, `multiValueHeaders` and `cookies`; a pair that the first two share is there once.
    private mutating func appendFields(_ object: JSONObject) throws(InvocationError) {
        let several = try Self.pairs(object["multiValueHeaders"], "multiValueHeaders")
        for pair in try Self.pairs(object["headers"], "headers") {
            let isShared = several.contains { $0.value == pair.value && $0.name.lowercased() == pair.name.lowercased() }
            if !isShared { try append(pair.name, pair.value) }
        }
        for pair in several { try append(pair.name, pair.value) }
        switch object["cookies"] {
        case nil, .null?: break
        case .array(let cookies)?:
            for cookie in cookies { try append("set-cookie", try Self.text(cookie, "a cookie")) }
        case let value?: throw FunctionReply.invalid("cookies must be a list, not \(value.jsonText.prefix(40))")
        }
    }

    private static func pairs(
        _ value: JSONValue?,
        _ key: String
    ) throws(InvocationError) -> [(name: String, value: String)] {
        guard let value, value != .null else { return [] }
        guard let object = value.object else {
            throw FunctionReply.invalid("\(key) must be an object, not \(value.jsonText.prefix(40))")
        }
        var pairs: [(name: String, value: String)] = []
        for member in object.members {
            for item in member.value.array ?? [member.value] where item != .null {
                pairs.append((member.key, try text(item, "the value of the header '\(member.key.prefix(60))'")))
            }
        }
        return pairs
    }

    /// A value as text: numbers and truth values as JSON writes them.
    private static func text(_ value: JSONValue, _ what: String) throws(InvocationError) -> String {
        switch value {
        case .string(let text), .number(let text): return text
        case .bool(let value): return value ? "true" : "false"
        case .null, .array, .object:
            throw FunctionReply.invalid("\(what) must be a string, not \(value.jsonText.prefix(40))")
        }
    }

    private mutating func append(_ name: String, _ value: String) throws(InvocationError) {
        let ends: (UInt8) -> Bool = { $0 == ASCII.carriageReturn || $0 == ASCII.lineFeed }
        guard !name.isEmpty, !name.utf8.contains(where: { ends($0) || $0 == ASCII.colon }) else {
            throw FunctionReply.invalid("'\(name.prefix(60))' is not a header's name")
        }
        guard !value.utf8.contains(where: ends) else {
            throw FunctionReply.invalid("the value of the header '\(name.prefix(60))' has a line break in it")
        }
        fields.append(name)
        fields.append(": ")
        fields.append(value)
        fields.append("\r\n")
    }

    // MARK: Body

    private mutating func takeBody(_ object: JSONObject) throws(InvocationError) {
        switch object["body"] {
        case nil, .null?: return
        case .string(let text)? where object["isBase64Encoded"] == .bool(true):
            let isValid = Array(text.utf8).withUnsafeBytes { Base64.decode($0, to: &body) }
            guard isValid else { throw FunctionReply.invalid("isBase64Encoded is true, but the body is not base64") }
        case .array?, .object?:
            throw FunctionReply.invalid("body must be a string; did you forget to encode it as JSON?")
        case let value?: body.append(try Self.text(value, "body"))
        }
    }
}
