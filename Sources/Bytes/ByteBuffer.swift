import Glibc

/// A growable run of raw bytes that is written at its end and read from its start.
///
/// Not copyable: it owns its memory, and frees it with itself or by ``release()``. An empty buffer that was never
/// written holds no memory. The views that it hands out are valid until the next call that changes it.
public struct ByteBuffer: ~Copyable {
    @usableFromInline var memory: UnsafeMutableRawPointer?
    @usableFromInline var start: Int
    @usableFromInline var end: Int

    @usableFromInline var size: Int

    /// Makes an empty buffer that holds no memory.
    public init() {
        memory = nil
        start = 0
        end = 0
        size = 0
    }

    deinit { free(memory) }

    /// How many bytes the memory holds at most before it has to grow.
    @inlinable public var capacity: Int { size }

    /// How many bytes are there to be read.
    @inlinable public var count: Int { end &- start }

    /// Whether there is nothing to be read.
    @inlinable public var isEmpty: Bool { end == start }

    /// The bytes that are there to be read, valid until the next change.
    @inlinable public var readable: UnsafeRawBufferPointer {
        guard let memory else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: memory + start, count: end &- start)
    }

    /// The same bytes, for changes in place.
    @inlinable public var mutableReadable: UnsafeMutableRawBufferPointer {
        guard let memory else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: memory + start, count: end &- start)
    }

    /// The free room behind the bytes, valid until the next change.
    ///
    /// Ask ``reserve(_:)`` for it first.
    @inlinable public var writable: UnsafeMutableRawBufferPointer {
        guard let memory else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: memory + end, count: capacity &- end)
    }

    /// Takes `count` bytes, written into ``writable``, into the buffer.
    @inlinable public mutating func commit(_ count: Int) {
        assert(count >= 0 && end + count <= capacity)
        end &+= count
    }

    /// Makes sure that `count` more bytes fit.
    @inlinable public mutating func reserve(_ count: Int) {
        if capacity &- end < count { makeRoom(count) }
    }

    @usableFromInline mutating func makeRoom(_ count: Int) {
        let held = end - start
        if let memory, start > 0, capacity - held >= count, start >= held {
            memcpy(memory, memory + start, held)
            start = 0
            end = held
            return
        }
        var size = max(capacity * 2, 256)
        while size - held < count { size *= 2 }
        guard let larger = malloc(size) else { preconditionFailure("out of memory: \(size) bytes") }
        if let memory {
            memcpy(larger, memory + start, held)
            free(memory)
        }
        memory = larger
        start = 0
        end = held
        self.size = size
    }

    /// Appends a copy of `bytes`.
    @inlinable public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        if let memory { (memory + end).copyMemory(from: source, byteCount: bytes.count) }
        end &+= bytes.count
    }

    /// Appends a copy of `bytes`.
    @inlinable public mutating func append(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends one byte.
    @inlinable public mutating func append(_ byte: UInt8) {
        reserve(1)
        if let memory { memory.storeBytes(of: byte, toByteOffset: end, as: UInt8.self) }
        end &+= 1
    }

    /// Appends a text known at compile time, which becomes a few stores.
    @inlinable @inline(__always) public mutating func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        reserve(count)
        if let memory { (memory + end).copyMemory(from: text.utf8Start, byteCount: count) }
        end &+= count
    }

    /// Appends the UTF-8 bytes of `text`.
    ///
    /// Not for the path of a request: use bytes there. Disfavoured, so that a literal is a `StaticString`.
    @_disfavoredOverload public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends `value` in decimal digits.
    @inlinable public mutating func append(decimal value: Int) {
        reserve(20)
        var rest = value.magnitude
        if value < 0 { append(UInt8(0x2D)) }
        var digits = 1
        var bound: UInt = 10
        while digits < 20, rest >= bound {
            digits &+= 1
            bound = digits < 20 ? bound &* 10 : bound
        }
        var position = end &+ digits
        guard let memory else { return }
        repeat {
            position &-= 1
            memory.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: position, as: UInt8.self)
            rest /= 10
        } while position > end
        end &+= digits
    }

    /// Forgets `count` bytes at the start.
    @inlinable public mutating func consume(_ count: Int) {
        assert(count >= 0 && count <= end - start)
        start &+= count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Forgets `count` bytes at the end.
    @inlinable public mutating func drop(_ count: Int) {
        assert(count >= 0 && count <= end - start)
        end &-= count
    }

    /// Forgets every byte and keeps the memory.
    @inlinable public mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Forgets every byte and gives the memory back.
    public mutating func release() {
        free(memory)
        memory = nil
        start = 0
        end = 0
        size = 0
    }
}
