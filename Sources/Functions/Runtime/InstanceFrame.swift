/// What an instance writes to the gateway; the form of a frame is ``InvocationFrame``'s.
///
///     READY       aux = how many events it takes at a time
///     INIT_ERROR  {"errorMessage", "errorType", "stackTrace"}
///     REPLY       u16 status | u32 length of the fields | "name: value\r\n" ... | body
///     RESULT      what the handler returned, as JSON
///     ERROR       {"errorMessage", "errorType", "requestId", "stackTrace"}; flag 1: the instance ends after it
///
/// An instance runs its owner's code: nothing of what it writes is believed before it was checked.
public struct InstanceFrame: Equatable, Sendable {
    /// What kind of frame it is, by its number on the wire.
    public enum Kind: UInt8, Sendable {
        case result = 2
        case reply = 3
        case error = 4
        case ready = 5
        case initError = 6
    }

    /// What kind of frame it is.
    public let kind: Kind

    /// The concurrency of READY, else 0.
    public let aux: Int

    /// The invocation that it answers; 0 for READY and INIT_ERROR.
    public let id: UInt64

    /// The whole frame's bytes, its head included.
    public let length: Int

    /// Whether the instance takes no event after it.
    public let isLast: Bool

    /// Reads a frame's head.
    ///
    /// - Parameters:
    ///   - bytes: what has come, from the frame's first byte on.
    ///   - limit: the longest frame accepted, in bytes.
    /// - Returns: the frame, whose payload may not all be there yet; `nil` when its head is not.
    /// - Throws: ``FrameError``, as soon as the bytes that prove it are there.
    public static func parse(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(FrameError) -> InstanceFrame? {
        guard bytes.count >= 4 else { return nil }
        let length = Int(bytes.loadUnaligned(as: UInt32.self).bigEndian) + 4
        guard length >= InvocationFrame.headLength else { throw .tooShort }
        guard length <= limit else { throw .tooLong }
        guard bytes.count >= InvocationFrame.headLength else { return nil }
        guard let kind = Kind(rawValue: bytes[4]) else { throw .unknownKind(bytes[4]) }
        guard bytes[5] == 0 || (kind == .error && bytes[5] == 1) else { throw .unknownFlags(bytes[5]) }
        let aux = Int(bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self).bigEndian)
        let id = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
        if kind == .reply, length < InvocationFrame.headLength + Envelope.headLength { throw .badEnvelope }
        return InstanceFrame(kind: kind, aux: aux, id: id, length: length, isLast: bytes[5] == 1)
    }
}

/// Why an instance's bytes are no frame; it cannot be used any more.
public enum FrameError: Error, Equatable, Sendable {
    case tooShort
    case tooLong
    case unknownKind(UInt8)
    case unknownFlags(UInt8)
    case unknownID(UInt64)
    case unexpected(InstanceFrame.Kind)
    case badEnvelope
    case surplusBytes
}

/// A REPLY's payload: a response that needs no further parsing but its fields' checks.
public struct Envelope: Equatable, Sendable {
    static let headLength = 6

    /// As the instance gave it; 0...65535.
    public let status: Int

    /// Where the lines of fields are in the payload.
    public let fields: Range<Int>

    /// Where the body is in the payload.
    public let body: Range<Int>

    /// Reads a whole payload.
    ///
    /// - Parameter payload: the bytes after the frame's head.
    /// - Returns: the envelope.
    /// - Throws: ``FrameError/badEnvelope`` where its lengths do not add up.
    public static func parse(_ payload: UnsafeRawBufferPointer) throws(FrameError) -> Envelope {
        guard payload.count >= headLength else { throw .badEnvelope }
        let status = Int(payload.loadUnaligned(as: UInt16.self).bigEndian)
        let length = Int(payload.loadUnaligned(fromByteOffset: 2, as: UInt32.self).bigEndian)
        guard length <= payload.count - headLength else { throw .badEnvelope }
        let end = headLength + length
        return Envelope(status: status, fields: headLength..<end, body: end..<payload.count)
    }
}
