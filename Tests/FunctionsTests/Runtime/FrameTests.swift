import PenstockBytes
import TestSupport
import Testing

@testable import PenstockFunctions

@Suite("Frames between the gateway and an instance")
struct FrameTests {
    @Test
    func `an INVOKE has the layout that the bootstraps read`() {
        var frame = ByteBuffer()
        withBytes("r-1") { InvocationFrame.begin(&frame, requestID: $0) }
        withBytes("Root=1") { InvocationFrame.appendField("trace-id", $0, to: &frame) }
        withBytes("a\r\nb: c") { InvocationFrame.appendField("client-context", $0, to: &frame) }
        let event = InvocationFrame.endFields(&frame)
        frame.append("{\"a\":1}")
        InvocationFrame.seal(&frame, id: 0x0102_0304_0506_0708, milliseconds: 3000, flags: InvocationFrame.raw)

        let fields = "request-id: r-1\r\ntrace-id: Root=1\r\n"
        #expect(event == 22 + fields.utf8.count)
        let length = UInt8(18 + fields.utf8.count + 7)
        let head: [UInt8] = [0, 0, 0, length, 1, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x0B, 0xB8]
        #expect(Array(frame.readable) == head + [0, UInt8(fields.utf8.count)] + Array((fields + "{\"a\":1}").utf8))
    }

    @Test(arguments: [(Int64(-5), UInt32(0)), (0, 0), (900_000, 900_000), (.max, .max)])
    func `the milliseconds left fit their field`(_ given: Int64, _ sent: UInt32) {
        var frame = ByteBuffer()
        withBytes("r") { InvocationFrame.begin(&frame, requestID: $0) }
        InvocationFrame.endFields(&frame)
        InvocationFrame.seal(&frame, id: 1, milliseconds: given, flags: 0)
        #expect(frame.readable.loadUnaligned(fromByteOffset: 16, as: UInt32.self).bigEndian == sent)
    }

    @Test
    func `DRAIN and CANCEL are bare heads`() {
        var frames = ByteBuffer()
        InvocationFrame.appendDrain(to: &frames)
        InvocationFrame.appendCancel(9, to: &frames)
        let drain: [UInt8] = [0, 0, 0, 12, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let cancel: [UInt8] = [0, 0, 0, 12, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
        #expect(Array(frames.readable) == drain + cancel)
    }

    @Test
    func `a reply is seen as soon as its head is there, at every cut`() throws {
        let wire = reply(id: 7, status: 201, fields: "a: b\r\n", body: "hello")
        let page = GuardedBytes(capacity: wire.count)
        for count in 0...wire.count {
            try page.with(wire[..<count]) { bytes in
                let frame = try bytes.withUnsafeBytes { try InstanceFrame.parse($0, limit: 1024) }
                let expected = InstanceFrame(kind: .reply, aux: 0, id: 7, length: wire.count, isLast: false)
                #expect(frame == (count < 16 ? nil : expected), "cut after \(count) bytes")
            }
        }
    }

    @Test
    func `an envelope gives its parts`() throws {
        let wire = reply(id: 7, status: 201, fields: "a: b\r\n", body: "hello")
        let envelope = try wire[16...].withUnsafeBytes { try Envelope.parse($0) }
        #expect(envelope == Envelope(status: 201, fields: 6..<12, body: 12..<17))
        #expect(wire.count == 16 + 17)
    }

    @Test(arguments: RefusedFrame.cases)
    func `a frame that cannot be one is refused as soon as that is known`(_ row: RefusedFrame) {
        let page = GuardedBytes(capacity: row.bytes.count)
        for count in 0...row.bytes.count {
            page.with(row.bytes[..<count]) { bytes in
                let outcome = Result { () throws(FrameError) in
                    try bytes.withUnsafeBytes { (raw) throws(FrameError) in try InstanceFrame.parse(raw, limit: 100) }
                }
                switch outcome {
                case .success(let frame): #expect(frame == nil && count < row.knownAt, "cut after \(count) bytes")
                case .failure(let error):
                    #expect(error == row.error && count >= row.knownAt, "cut after \(count) bytes")
                }
            }
        }
    }

    @Test(arguments: [0, 5], [UInt32(1), 1000, .max])
    func `an envelope whose lengths do not add up is refused`(_ size: Int, _ length: UInt32) {
        var payload: [UInt8] = [0, 200]
        withUnsafeBytes(of: length.bigEndian) { payload.append(contentsOf: $0) }
        payload.append(contentsOf: [UInt8](repeating: 65, count: length == 1 ? 0 : size))
        #expect(throws: FrameError.badEnvelope) { try payload.withUnsafeBytes { try Envelope.parse($0) } }
    }

    private func reply(id: UInt64, status: UInt16, fields: String, body: String) -> [UInt8] {
        var wire = ByteBuffer()
        let length = UInt32(12 + 6 + fields.utf8.count + body.utf8.count)
        withUnsafeBytes(of: length.bigEndian) { wire.append($0) }
        for byte: UInt8 in [3, 0, 0, 0] { wire.append(byte) }
        withUnsafeBytes(of: id.bigEndian) { wire.append($0) }
        withUnsafeBytes(of: status.bigEndian) { wire.append($0) }
        withUnsafeBytes(of: UInt32(fields.utf8.count).bigEndian) { wire.append($0) }
        wire.append(fields)
        wire.append(body)
        return Array(wire.readable)
    }
}

func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes(body)
}

/// One row: bytes that are no frame, why, and after how many of them that is known.
struct RefusedFrame: Sendable, CustomTestStringConvertible {
    let why: String
    let bytes: [UInt8]
    let error: FrameError
    let knownAt: Int
    var testDescription: String { why }

    static func head(_ length: UInt32, _ kind: UInt8, _ flags: UInt8 = 0) -> [UInt8] {
        withUnsafeBytes(of: length.bigEndian) { Array($0) } + [kind, flags] + [UInt8](repeating: 0, count: 10)
    }

    static let cases: [RefusedFrame] = [
        .init(why: "length 0", bytes: head(0, 3), error: .tooShort, knownAt: 4),
        .init(why: "length 11", bytes: head(11, 3), error: .tooShort, knownAt: 4),
        .init(why: "one byte over the limit", bytes: head(97, 3), error: .tooLong, knownAt: 4),
        .init(why: "length 2^32-1", bytes: head(.max, 3), error: .tooLong, knownAt: 4),
        .init(why: "text on the channel", bytes: Array("hello, world, how".utf8), error: .tooLong, knownAt: 4),
        .init(why: "kind 0", bytes: head(12, 0), error: .unknownKind(0), knownAt: 16),
        .init(why: "an INVOKE from an instance", bytes: head(12, 1), error: .unknownKind(1), knownAt: 16),
        .init(why: "CHUNK, which nobody asked for", bytes: head(12, 9), error: .unknownKind(9), knownAt: 16),
        .init(why: "flags of a later protocol", bytes: head(20, 3, 1), error: .unknownFlags(1), knownAt: 16),
        .init(why: "an ERROR with them", bytes: head(20, 4, 2), error: .unknownFlags(2), knownAt: 16),
        .init(why: "a reply without an envelope", bytes: head(17, 3), error: .badEnvelope, knownAt: 16),
    ]
}
