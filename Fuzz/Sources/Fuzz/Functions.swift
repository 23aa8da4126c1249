import PenstockBytes
import PenstockHTTP

@testable import PenstockFunctions

private let frameLimit = 2048

/// What an instance writes is a row of frames, alike however they come; what is written to it has the lengths it says.
func tryFrames(_ bytes: UnsafeRawBufferPointer) {
    var start = 0
    while start < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        guard let frame = firstFrame(rest, [rest.count]) else { break }
        promise(frame == firstFrame(rest, cuts(min(rest.count, 64))), "a frame that depends on how it comes")
        promise((InvocationFrame.headLength...frameLimit).contains(frame.length), "\(frame.length) bytes")
        guard frame.length <= rest.count else { break }
        if frame.kind == .reply {
            tryReply(UnsafeRawBufferPointer(rebasing: rest[InvocationFrame.headLength..<frame.length]))
        }
        start += frame.length
    }
    tryInvocation(bytes)
}

private func firstFrame(_ bytes: UnsafeRawBufferPointer, _ lengths: [Int]) -> InstanceFrame? {
    for length in lengths where length <= bytes.count {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[..<length])
        if let frame = try? InstanceFrame.parse(piece, limit: frameLimit) { return frame }
    }
    return nil
}

private func tryReply(_ payload: UnsafeRawBufferPointer) {
    guard let envelope = try? Envelope.parse(payload) else { return }
    promise(
        envelope.fields.lowerBound <= envelope.fields.upperBound
            && envelope.fields.upperBound == envelope.body.lowerBound
            && envelope.body.upperBound == payload.count,
        "fields at \(envelope.fields), a body at \(envelope.body)"
    )
    tryFill(envelope.status, UnsafeRawBufferPointer(rebasing: payload[envelope.fields]))
}

/// A response that a function answered has fields that are fields, and none that is ours to set.
private func tryFill(_ status: Int, _ fields: UnsafeRawBufferPointer) {
    let response = ResponseHead()
    do throws(InvocationError) {
        try FunctionReply.fill(response, status: status, fields: fields)
    } catch {
        return
    }
    promise((200...599).contains(response.status), "a status of \(response.status)")
    for index in 0..<response.fields.count {
        let field = response.fields[index]
        let (name, value) = (response.fields.name(field), response.fields.value(field))
        promise(FieldRules.isValidName(name), "a name of \(shown(name))")
        promise(FieldRules.isValidValue(value), "a value of \(shown(value))")
        promise(!FunctionReply.dropped.has(FieldName(name)), "\(shown(name)) is not a function's to say")
    }
}

private func tryInvocation(_ bytes: UnsafeRawBufferPointer) {
    let middle = bytes.count / 2
    var frame = ByteBuffer()
    InvocationFrame.begin(&frame, requestID: UnsafeRawBufferPointer(rebasing: bytes[..<min(8, middle)]))
    InvocationFrame.appendField("trace-id", UnsafeRawBufferPointer(rebasing: bytes[..<middle]), to: &frame)
    let event = InvocationFrame.endFields(&frame)
    frame.append(UnsafeRawBufferPointer(rebasing: bytes[middle...]))
    InvocationFrame.seal(&frame, id: 7, milliseconds: Int64(bytes.count) << 40, flags: 0)
    let head = frame.readable
    promise(Int(head.load(as: UInt32.self).bigEndian) + 4 == head.count, "a frame's length")
    promise(Int(head.loadUnaligned(fromByteOffset: 20, as: UInt16.self).bigEndian) + 22 == event, "its fields' length")
    promise(head[event...].elementsEqual(bytes[middle...]), "an event is sent otherwise than it was")
}

/// The result of a command becomes a response, or is refused.
func tryResult(_ bytes: UnsafeRawBufferPointer) {
    guard let result = try? FunctionResult(json: bytes) else { return }
    tryFill(result.status, result.fields.readable)
    let length = result.body.count
    promise(length <= bytes.count, "\(length) bytes of a body from \(bytes.count)")
}
