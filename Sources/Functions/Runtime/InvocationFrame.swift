public import PenstockBytes

/// What the gateway writes to an instance: frames in a pipe, every number in network order.
///
///      0  u32 length   of all that follows this field
///      4  u8  kind     5  u8 flags     6  u16 aux     8  u64 id
///     16  payload
///
///     INVOKE  u32 milliseconds left | u16 length of the fields | "name: value\r\n" ... | event (JSON)
///     DRAIN   finish what runs, then exit
///     CANCEL  nobody waits for the answer of `id` any more
///
/// The id is the gateway's; it never comes twice in an instance's life, and an answer must carry it.
public enum InvocationFrame {
    /// The bytes before the payload.
    public static let headLength = 16

    /// Flag of INVOKE: the answer must be the handler's result as JSON, not an envelope.
    public static let raw: UInt8 = 1

    private static let fieldsOffset = 22

    /// Begins an INVOKE: the request id, and room for what ``seal(_:id:milliseconds:flags:)`` fills in.
    ///
    /// - Parameters:
    ///   - frame: an empty buffer. ``appendField(_:_:to:)`` and ``endFields(_:)`` follow, then the event is appended.
    ///   - requestID: visible ASCII.
    public static func begin(_ frame: inout ByteBuffer, requestID: UnsafeRawBufferPointer) {
        precondition(frame.isEmpty, "an event begins its buffer")
        frame.reserve(fieldsOffset + requestID.count + 14)
        for _ in 0..<4 { frame.append(UInt8(0)) }
        frame.append(UInt8(1))
        for _ in 5..<fieldsOffset { frame.append(UInt8(0)) }
        frame.append("request-id: ")
        frame.append(requestID)
        frame.append("\r\n")
    }

    /// Appends a field: `trace-id`, `client-context`, `invoked-arn`, `tenant-id`; one with a line break is left out.
    public static func appendField(
        _ name: StaticString,
        _ value: UnsafeRawBufferPointer,
        to frame: inout ByteBuffer
    ) {
        guard !value.contains(ASCII.carriageReturn), !value.contains(ASCII.lineFeed) else { return }
        frame.append(name)
        frame.append(": ")
        frame.append(value)
        frame.append("\r\n")
    }

    /// Ends the fields; the event is appended next.
    ///
    /// - Returns: where the event begins.
    /// - Precondition: the fields are shorter than 64 KiB.
    @discardableResult
    public static func endFields(_ frame: inout ByteBuffer) -> Int {
        let length = frame.count - fieldsOffset
        precondition(length <= UInt16.max, "fields of an event are at most 64 KiB")
        store(UInt16(length), at: 20, in: &frame)
        return frame.count
    }

    /// Fills in what is known only when an instance has been leased.
    ///
    /// - Parameters:
    ///   - frame: the whole INVOKE.
    ///   - id: of the invocation, in this instance's life.
    ///   - milliseconds: how long the handler may take.
    ///   - flags: ``raw`` or 0.
    public static func seal(_ frame: inout ByteBuffer, id: UInt64, milliseconds: Int64, flags: UInt8) {
        store(UInt32(frame.count - 4), at: 0, in: &frame)
        store(flags, at: 5, in: &frame)
        store(id, at: 8, in: &frame)
        store(UInt32(min(max(0, milliseconds), Int64(UInt32.max))), at: 16, in: &frame)
    }

    /// Appends a DRAIN.
    public static func appendDrain(to buffer: inout ByteBuffer) { appendBare(7, id: 0, to: &buffer) }

    /// Appends a CANCEL of `id`.
    public static func appendCancel(_ id: UInt64, to buffer: inout ByteBuffer) { appendBare(8, id: id, to: &buffer) }

    private static func appendBare(_ kind: UInt8, id: UInt64, to buffer: inout ByteBuffer) {
        let head: [UInt8] = [0, 0, 0, 12, kind, 0, 0, 0]
        head.withUnsafeBytes { buffer.append($0) }
        withUnsafeBytes(of: id.bigEndian) { buffer.append($0) }
    }

    private static func store<Number: FixedWidthInteger>(_ value: Number, at offset: Int, in frame: inout ByteBuffer) {
        frame.mutableReadable.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Number.self)
    }
}
