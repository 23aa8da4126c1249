public import PenstockBytes

/// Memory of one loop for bytes on their way out: lent and taken back, so that an idle connection has none.
public final class BufferPool {
    /// As many as there may be events in a round: what it gathers is sent at its end.
    private static let capacity = 256

    /// What a buffer has at least.
    private static let size = 16_384

    /// A buffer that has grown over this gives its memory up instead.
    private static let largest = 131_072

    private let free = UnsafeMutablePointer<ByteBuffer>.allocate(capacity: capacity)
    @exclusivity(unchecked) private var count = 0

    deinit {
        free.deinitialize(count: count)
        free.deallocate()
    }

    /// Gives memory to a buffer that has none: the memory that was used last, so that it is still in the cache.
    public func lend(to buffer: inout ByteBuffer) {
        assert(buffer.capacity == 0)
        guard count > 0 else { return buffer.reserve(Self.size) }
        count -= 1
        buffer = (free + count).move()
    }

    /// Takes the memory of a buffer back, and leaves it with none.
    public func takeBack(_ buffer: inout ByteBuffer) {
        guard count < Self.capacity, buffer.capacity <= Self.largest, buffer.capacity >= Self.size else {
            return buffer.release()
        }
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        taken.removeAll()
        (free + count).initialize(to: taken)
        count += 1
    }
}
