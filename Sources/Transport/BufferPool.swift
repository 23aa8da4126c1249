public import PenstockBytes

/// Bytes on their way out, in memory that is lent and given back: an idle connection has none.
public final class OutputBuffer {
    /// The bytes that have not been sent.
    @exclusivity(unchecked) public var bytes = ByteBuffer()

    init() { bytes.reserve(16_384) }
}

/// The output buffers of one loop.
public final class BufferPool {
    @exclusivity(unchecked) private var free: [OutputBuffer] = []

    /// An empty buffer, the one that was used last, so that its memory is still in the cache.
    public func take() -> OutputBuffer { free.popLast() ?? OutputBuffer() }

    /// Takes an empty buffer back; a large one, or one too many, gives its memory up.
    public func giveBack(_ buffer: OutputBuffer) {
        assert(buffer.bytes.isEmpty)
        if free.count < 64, buffer.bytes.capacity <= 131_072 { free.append(buffer) }
    }
}
