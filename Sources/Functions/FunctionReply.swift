internal import PenstockBytes
internal import PenstockHTTP
internal import PenstockTransport

/// Makes the response from what a function answered, which is untrusted input (trust.md).
enum FunctionReply {
    /// The most that all fields of an answer may take, in bytes.
    static let fieldsLimit = 65_536

    /// Not a function's to say: fields of one hop, the length, and names of ours.
    static let dropped = FieldNameSet.hopByHop.union(FieldNameSet(.contentLength, .xPenstock, .xRequestID))

    /// Fills in status and fields.
    ///
    /// - Parameters:
    ///   - response: empty.
    ///   - status: of the answer.
    ///   - fields: lines `name: value CR LF`.
    /// - Throws: ``InvocationError`` with what is wrong, in words for the function's author.
    static func fill(
        _ response: ResponseHead,
        status: Int,
        fields: UnsafeRawBufferPointer
    ) throws(InvocationError) {
        guard (200...599).contains(status) else {
            throw invalid("the status must be a number from 200 to 599, not \(status)")
        }
        guard fields.count <= fieldsLimit else {
            throw invalid("the headers take \(fields.count) bytes, and at most \(fieldsLimit) are allowed")
        }
        response.status = status
        var start = 0
        while start < fields.count {
            var end = start
            while end < fields.count, fields[end] != ASCII.carriageReturn { end &+= 1 }
            guard end &+ 1 < fields.count, fields[end &+ 1] == ASCII.lineFeed else {
                throw invalid("a header line has no end, or a line break in it")
            }
            try append(UnsafeRawBufferPointer(rebasing: fields[start..<end]), to: response.fields)
            start = end &+ 2
        }
        if response.fields.first(.contentType) == nil, hasBody(status) {
            response.fields.append(.contentType, "content-type", "application/json")
        }
    }

    private static func append(_ line: UnsafeRawBufferPointer, to fields: FieldBlock) throws(InvocationError) {
        guard let colon = line.firstIndex(of: ASCII.colon) else { throw invalid("a header line has no colon") }
        let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        let value = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: line[(colon &+ 1)...]))
        try check(name, value)
        let id = FieldName(name)
        if !dropped.has(id) { fields.append(id, name, value) }
    }

    /// Refuses what is no field (RFC 9110 §5.1, §5.5).
    private static func check(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(InvocationError) {
        let shown = String(decoding: name.prefix(60), as: UTF8.self)
        guard FieldRules.isValidName(name) else { throw invalid("'\(shown)' is not a header's name") }
        guard FieldRules.isValidValue(value) else {
            throw invalid("the value of the header '\(shown)' has a line break or another control byte in it")
        }
    }

    /// Sends the response, filled in, with its body.
    static func send(_ exchange: Exchange, body: UnsafeRawBufferPointer) {
        hasBody(exchange.response.status) ? exchange.respond(body: body.bytes) : exchange.respond(end: true)
    }

    /// Whether a response with this status may have a body (RFC 9110 §6.4.1).
    private static func hasBody(_ status: Int) -> Bool { status != 204 && status != 304 }

    static func invalid(_ message: String) -> InvocationError {
        InvocationError(.invalidResponse, type: "Runtime.InvalidResponse", message: message)
    }
}
