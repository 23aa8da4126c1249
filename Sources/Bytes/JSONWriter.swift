/// Writes JSON (RFC 8259) straight into a ``ByteBuffer``.
///
/// It keeps one bit of state, whether the next element needs a comma, so objects and arrays of any depth cost no
/// allocation. The caller begins and ends what it opens; the writer does not check that.
///
/// ```swift
/// var json = JSONWriter()
/// json.beginObject(&buffer)
/// json.member("status", 200, &buffer)
/// json.key("path", &buffer)
/// json.string(path, &buffer)
/// json.endObject(&buffer)
/// ```
public struct JSONWriter {
    @usableFromInline var needsComma: Bool

    /// Makes a writer that stands before the first value of a text.
    @inlinable public init() { needsComma = false }

    /// Puts the comma that belongs before the next key or element.
    @inlinable public mutating func separate(_ buffer: inout ByteBuffer) {
        if needsComma { buffer.append(ASCII.comma) }
        needsComma = true
    }

    /// Opens an object.
    @inlinable public mutating func beginObject(_ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append(UInt8(0x7B))
        needsComma = false
    }

    /// Closes the object that was opened last.
    @inlinable public mutating func endObject(_ buffer: inout ByteBuffer) {
        buffer.append(UInt8(0x7D))
        needsComma = true
    }

    /// Opens an array.
    @inlinable public mutating func beginArray(_ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append(UInt8(0x5B))
        needsComma = false
    }

    /// Closes the array that was opened last.
    @inlinable public mutating func endArray(_ buffer: inout ByteBuffer) {
        buffer.append(UInt8(0x5D))
        needsComma = true
    }

    /// Writes a key known at compile time; it must be plain ASCII that needs no escape.
    @inlinable public mutating func key(_ name: StaticString, _ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append(ASCII.quote)
        buffer.append(name)
        buffer.append(ASCII.quote)
        buffer.append(ASCII.colon)
        needsComma = false
    }

    /// Writes a key from outside, escaped as ``string(_:_:)`` does it.
    @inlinable public mutating func key(_ name: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        string(name, &buffer)
        buffer.append(ASCII.colon)
        needsComma = false
    }

    /// Writes a whole string value.
    ///
    /// Whatever the bytes are, the result is valid JSON: quotes, backslashes and control bytes (DEL and C1 too, which
    /// terminals obey) are escaped, other UTF-8 is copied, and every maximal ill-formed part becomes `\ufffd`.
    @inlinable public mutating func string(_ bytes: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        beginString(&buffer)
        JSONEscaping.append(bytes, to: &buffer)
        endString(&buffer)
    }

    /// Writes a string value known at compile time; it must be plain ASCII that needs no escape.
    @inlinable public mutating func string(_ text: StaticString, _ buffer: inout ByteBuffer) {
        beginString(&buffer)
        buffer.append(text)
        endString(&buffer)
    }

    /// Opens a string that is written in parts.
    @inlinable public mutating func beginString(_ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append(ASCII.quote)
    }

    /// Writes a part of an open string; a UTF-8 sequence must not be cut between parts.
    @inlinable public mutating func stringPart(_ bytes: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        JSONEscaping.append(bytes, to: &buffer)
    }

    /// Closes a string that was written in parts.
    @inlinable public mutating func endString(_ buffer: inout ByteBuffer) { buffer.append(ASCII.quote) }

    /// Writes an integer.
    @inlinable public mutating func number(_ value: Int, _ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append(decimal: value)
    }

    /// Writes `true` or `false`.
    @inlinable public mutating func bool(_ value: Bool, _ buffer: inout ByteBuffer) {
        separate(&buffer)
        if value { buffer.append("true") } else { buffer.append("false") }
    }

    /// Writes `null`.
    @inlinable public mutating func null(_ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append("null")
    }

    /// Writes a value that is JSON already, as it is.
    @inlinable public mutating func raw(_ json: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        separate(&buffer)
        buffer.append(json)
    }
}

extension JSONWriter {
    /// Writes a key and an integer.
    @inlinable public mutating func member(_ name: StaticString, _ value: Int, _ buffer: inout ByteBuffer) {
        key(name, &buffer)
        number(value, &buffer)
    }

    /// Writes a key and `true` or `false`.
    @inlinable public mutating func member(_ name: StaticString, _ value: Bool, _ buffer: inout ByteBuffer) {
        key(name, &buffer)
        bool(value, &buffer)
    }

    /// Writes a key and a string from outside.
    @inlinable public mutating func member(
        _ name: StaticString,
        _ value: UnsafeRawBufferPointer,
        _ buffer: inout ByteBuffer
    ) {
        key(name, &buffer)
        string(value, &buffer)
    }

    /// Writes a whole string value.
    ///
    /// Not for the path of a request: use bytes there.
    public mutating func string(_ text: String, _ buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0), &buffer) }
    }

    /// Writes a key.
    ///
    /// Not for the path of a request: use bytes there.
    public mutating func key(_ name: String, _ buffer: inout ByteBuffer) {
        var name = name
        name.withUTF8 { key(UnsafeRawBufferPointer($0), &buffer) }
    }

    /// Writes bytes as a string of base64 (RFC 4648 §4, padded), as events carry binary bodies.
    public mutating func base64(_ bytes: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        beginString(&buffer)
        Base64.encode(bytes, to: &buffer)
        endString(&buffer)
    }
}
