public import PenstockBytes

/// Writes responses as HTTP/1.1 (RFC 9112 §4-§7).
public enum ResponseEncoder {
    /// Appends the head of a final response, or of a 101.
    ///
    /// Of the head's fields those are left out that are meant for one hop, that frame the body, and that are ours:
    /// they are written from the arguments. A `Date` or `Server` that the head has stays, and none is added to it.
    ///
    /// - Parameters:
    ///   - head: status and fields, which are valid.
    ///   - framing: how the body will come, and what the head says about it: `none` says nothing.
    ///   - keepAlive: whether the connection will take another request.
    ///   - requestMinorVersion: of the request, because a client of HTTP/1.0 has to be told that a connection stays.
    ///   - date: an IMF-fixdate, 29 bytes, as ``HTTPDate`` makes it.
    ///   - server: the `Server` field's value; `nil` for none.
    ///   - requestID: the `x-request-id` field's value; `nil` for none.
    ///   - output: where the head goes.
    public static func encode(
        _ head: ResponseHead,
        framing: MessageFraming,
        keepAlive: Bool,
        requestMinorVersion: Int,
        date: UnsafeRawBufferPointer,
        server: UnsafeRawBufferPointer?,
        requestID: UnsafeRawBufferPointer?,
        to output: inout ByteBuffer
    ) {
        appendStatusLine(head.status, to: &output)
        head.fields.write(to: &output, excluding: head.status == 101 ? written.subtracting(upgrading) : written)
        if head.fields.first(.date) == nil { append("date: ", date, to: &output) }
        if let server, head.fields.first(.server) == nil { append("server: ", server, to: &output) }
        if let requestID { append("x-request-id: ", requestID, to: &output) }
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            output.append("content-length: ")
            output.append(decimal: length)
            output.append("\r\n")
        case .chunked: output.append("transfer-encoding: chunked\r\n")
        }
        if head.status == 101 {
            output.append("connection: upgrade\r\n")
        } else if !keepAlive || framing == .untilClose {
            output.append("connection: close\r\n")
        } else if requestMinorVersion == 0 {
            output.append("connection: keep-alive\r\n")
        }
        output.append("\r\n")
    }

    /// Appends the head of an interim response (RFC 9110 §15.2) other than 101, with its fields alone.
    public static func encodeInterim(_ head: ResponseHead, to output: inout ByteBuffer) {
        appendStatusLine(head.status, to: &output)
        head.fields.write(to: &output, excluding: written)
        output.append("\r\n")
    }

    /// Appends the line in front of a chunk of `size` bytes, which is not 0: that would be the end.
    public static func appendChunkHeader(_ size: Int, to output: inout ByteBuffer) {
        assert(size > 0)
        var shift = (Int.bitWidth - 1 - size.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = ASCII.hexDigit(UInt8(truncatingIfNeeded: size >> shift) & 0xF)
            output.append(digit)
            shift -= 4
        }
        output.append("\r\n")
    }

    /// Appends what stands behind a chunk's bytes.
    public static func appendChunkEnd(to output: inout ByteBuffer) { output.append("\r\n") }

    /// Appends the last chunk and the trailer fields, which are valid; those of one hop and of framing are left out.
    public static func appendLastChunk(trailers: FieldBlock?, to output: inout ByteBuffer) {
        output.append("0\r\n")
        trailers?.write(to: &output, excluding: written)
        output.append("\r\n")
    }

    private static let upgrading = FieldNameSet(.upgrade)

    private static let written = FieldNameSet.hopByHop.union(FieldNameSet(.contentLength, .xPenstock, .xRequestID))

    private static func appendStatusLine(_ status: Int, to output: inout ByteBuffer) {
        if status == 200 { return output.append("HTTP/1.1 200 OK\r\n") }
        output.append("HTTP/1.1 ")
        output.append(decimal: status)
        output.append(ASCII.space)
        output.append(StatusCode.reasonPhrase(status))
        output.append("\r\n")
    }

    private static func append(_ name: StaticString, _ value: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        output.append(name)
        output.append(value)
        output.append("\r\n")
    }
}
