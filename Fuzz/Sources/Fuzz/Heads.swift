import PenstockBytes
import PenstockHTTP

/// Small, so that an input can reach them.
let limits = HeadLimits(requestLine: 256, head: 1024, fields: 16, chunkExtensions: 64)

/// A head is read alike however it comes, and what is read is what the rest of the gateway relies on.
func tryRequest(_ bytes: UnsafeRawBufferPointer) {
    let isMerging = bytes.count.isMultiple(of: 2)
    let normalizer = PathNormalizer(mergeSlashes: isMerging, rejectEncodedSlashes: false)
    func outcome(_ lengths: [Int]) -> HeadOutcome {
        var parser = RequestParser(limits: limits, mergeSlashes: isMerging, rejectEncodedSlashes: false)
        let head = RequestHead()
        for length in lengths {
            do throws(RequestError) {
                let read = try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<length]).bytes, into: head)
                guard let end = read else { continue }
                promise(end <= length, "a head ends at \(end) of \(length) bytes")
                checkRequest(head, normalizer)
                return .read(end, text(of: head))
            } catch {
                promise((400...599).contains(error.status), "a status of its own: \(error.status)")
                return .refused
            }
        }
        return .incomplete
    }
    let whole = outcome([bytes.count])
    let pieces = outcome(cuts(bytes.count))
    promise(whole == pieces, "at once \(whole), in pieces \(pieces)")
    if case .read(let end, _) = whole {
        promise(outcome([end]) == whole, "what follows a head changes it")
        promise(outcome([end - 1]) == .incomplete, "a head is complete before its end")
    }
}

/// The same for what an upstream answers.
func tryResponse(_ bytes: UnsafeRawBufferPointer) {
    let method: PenstockHTTP.Method = bytes.count.isMultiple(of: 2) ? .get : .head
    func outcome(_ lengths: [Int]) -> HeadOutcome {
        var parser = ResponseParser(limits: limits)
        let head = ResponseHead()
        for length in lengths {
            do throws(ResponseError) {
                let piece = UnsafeRawBufferPointer(rebasing: bytes[..<length]).bytes
                guard let end = try parser.parse(piece, requestMethod: method, into: head) else { continue }
                promise(end <= length, "a head ends at \(end) of \(length) bytes")
                checkResponse(head, method)
                let facts =
                    "\(head.status) \(head.framing) \(head.keepsAlive) \(head.minorVersion) \(head.contentLength ?? -1)"
                return .read(end, facts + text(of: head.fields))
            } catch {
                return .refused
            }
        }
        return .incomplete
    }
    let whole = outcome([bytes.count])
    let pieces = outcome(cuts(bytes.count))
    promise(whole == pieces, "at once \(whole), in pieces \(pieces)")
    if case .read(let end, _) = whole {
        promise(outcome([end]) == whole, "what follows a head changes it")
        promise(outcome([end - 1]) == .incomplete, "a head is complete before its end")
    }
}

/// How the reading of a head ended; which of several faults is found first depends on how it came.
private enum HeadOutcome: Equatable {
    case read(Int, String)
    case incomplete
    case refused
}

private func checkRequest(_ head: RequestHead, _ normalizer: PathNormalizer) {
    checkFields(head.fields)
    promise(FieldRules.isValidName(head.methodName), "a method of \(shown(head.methodName))")
    promise(!(head.query ?? head.path).contains { $0 <= 0x20 || $0 == 0x7F }, "a blank or control byte in the target")
    if head.targetForm == .origin || head.targetForm == .absolute, head.path.first == ASCII.slash {
        var again = ByteBuffer()
        do throws(PathFault) {
            try normalizer.normalize(head.path, to: &again)
            promise(again.readable.elementsEqual(head.path), "\(shown(head.path)) has another normal form")
        } catch {
            promise(false, "\(shown(head.path)) is refused when it is read again: \(error)")
        }
    }
    if case .length(let count) = head.framing { promise(count > 0, "a length of \(count)") }
    promise(head.framing != .untilClose, "a request without an end")
    promise(!head.expectsContinue || head.framing != .none, "a body is awaited that does not come")
}

private func checkResponse(_ head: ResponseHead, _ method: PenstockHTTP.Method) {
    checkFields(head.fields)
    promise((100...599).contains(head.status), "a status of \(head.status)")
    let hasNone = method == .head || head.status < 200 || head.status == 204 || head.status == 304
    promise(!hasNone || head.framing == .none, "a body that there cannot be (RFC 9112 §6.3)")
    promise(head.framing != .untilClose || !head.keepsAlive, "a connection that goes on behind its end")
}

private func checkFields(_ fields: FieldBlock) {
    promise(fields.count <= limits.fields, "\(fields.count) fields")
    for index in 0..<fields.count {
        let field = fields[index]
        promise(FieldRules.isValidName(fields.name(field)), "a name of \(shown(fields.name(field)))")
        promise(FieldRules.isValidValue(fields.value(field)), "a value of \(shown(fields.value(field)))")
    }
}

private func text(of head: RequestHead) -> String {
    let facts = "\(head.method) \(head.framing) \(head.keepsAlive) \(head.expectsContinue) \(head.targetForm)"
    let parts = [head.methodName, head.path, head.query, head.authority].map { $0.map(shown) ?? "-" }
    return "\(facts) \(head.minorVersion) \(parts)" + text(of: head.fields)
}

/// The fields in a line each.
func text(of fields: FieldBlock) -> String {
    (0..<fields.count).map { index in
        let field = fields[index]
        return "\n\(field.id.rawValue) \(shown(fields.name(field))): \(shown(fields.value(field)))"
    }.joined()
}
