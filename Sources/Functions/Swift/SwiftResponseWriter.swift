import PenstockBytes
import PenstockHTTP
import PenstockTransport

/// Checks what a Swift function answers (trust.md), and sends it.
enum SwiftResponseWriter {
    /// Fills in the exchange's response and sends it.
    ///
    /// - Parameters:
    ///   - response: what the function answers.
    ///   - limit: the longest body, in bytes.
    ///   - exchange: gets the answer; nothing of it has left when an error is thrown.
    /// - Throws: ``InvocationError`` for a response that is none.
    static func send(_ response: consuming Response, limit: Int, to exchange: Exchange) throws(InvocationError) {
        guard 200...599 ~= response.statusCode else {
            throw FunctionReply.invalid("the status \(response.statusCode) is not in 200...599")
        }
        do throws(InvocationError) {
            try addFields(response, to: exchange.response.fields)
        } catch {
            exchange.response.reset()
            throw error
        }
        exchange.response.status = response.statusCode
        switch response.body {
        case .none: FunctionReply.send(exchange, body: UnsafeRawBufferPointer(start: nil, count: 0))
        case .bytes(let bytes):
            try check(bytes.count, limit, exchange)
            bytes.withUnsafeBytes { FunctionReply.send(exchange, body: $0) }
        case .text(var text):
            try check(text.utf8.count, limit, exchange)
            text.withUTF8 { FunctionReply.send(exchange, body: UnsafeRawBufferPointer($0)) }
        }
    }

    private static func addFields(_ response: borrowing Response, to fields: FieldBlock) throws(InvocationError) {
        for (name, value) in response.headers { try add(name, value, to: fields) }
        for cookie in response.cookies { try add("set-cookie", cookie, to: fields) }
        guard !fields.present.has(.contentType), 204 != response.statusCode, 304 != response.statusCode else { return }
        switch response.body {
        case .none: break
        case .text: fields.append(.contentType, "content-type", "text/plain; charset=utf-8")
        case .bytes: fields.append(.contentType, "content-type", "application/octet-stream")
        }
    }

    private static func add(_ name: String, _ value: String, to fields: FieldBlock) throws(InvocationError) {
        var name = name
        var value = value
        let isValid = name.withUTF8 { name in
            value.withUTF8 { value in
                let name = UnsafeRawBufferPointer(name)
                let value = FieldRules.trimmed(UnsafeRawBufferPointer(value))
                guard FieldRules.isValidName(name), FieldRules.isValidValue(value) else { return false }
                let id = FieldName(name)
                if !FunctionReply.dropped.has(id) { fields.append(id, name, value) }
                return true
            }
        }
        if !isValid { throw FunctionReply.invalid("the field '\(name)' has a name or a value that no field may have") }
    }

    private static func check(_ count: Int, _ limit: Int, _ exchange: Exchange) throws(InvocationError) {
        guard count > limit else { return }
        exchange.response.reset()
        throw InvocationError.tooLarge(limit)
    }
}
