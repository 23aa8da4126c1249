public import PenstockBytes

/// One field: where its name and its value lie in the bytes of its ``FieldBlock``.
public struct Field: Sendable {
    /// Which field it is, as far as the gateway cares.
    public var id: FieldName
    @usableFromInline let nameStart: UInt32
    @usableFromInline let nameEnd: UInt32
    @usableFromInline let valueStart: UInt32
    @usableFromInline let valueEnd: UInt32

    /// A field whose line begins with the first byte of `name` and ends two bytes (CRLF) behind `lineEnd`.
    @inlinable public init(id: FieldName, name: Range<Int>, value: Range<Int>, lineEnd: Int) {
        self.id = id
        nameStart = UInt32(truncatingIfNeeded: name.lowerBound)
        nameEnd = UInt32(truncatingIfNeeded: name.upperBound)
        valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
        valueEnd = UInt32(truncatingIfNeeded: value.upperBound)
        self.lineEnd = UInt32(truncatingIfNeeded: lineEnd)
    }

    @usableFromInline let lineEnd: UInt32
}

/// An ordered list of fields, kept as the lines of HTTP/1.1: `name: value CRLF`.
///
/// A class that is recycled with its exchange, so that a request allocates nothing. Every view that it hands out is
/// valid until the next call that changes it.
public final class FieldBlock {
    // Nothing here calls out while it changes, so no two accesses can meet, and the checks for that would take a third
    // of the time of parsing a head (measured).
    @exclusivity(unchecked) private var storage = ByteBuffer()
    @exclusivity(unchecked) private var entries = FieldTable()
    @exclusivity(unchecked) private var names: FieldNameSet = []

    /// An empty block.
    public init() {}

    /// How many entries there are, removed ones included: iterate `0..<count` and skip ``FieldName/removed``.
    public var count: Int { entries.count }

    /// Which of the known names may occur: never misses one that is there.
    public var present: FieldNameSet { names }

    /// The entry at `index`.
    public subscript(index: Int) -> Field { entries[index] }

    /// The bytes of a field's name, in the case it came in; none while a parser has not finished the head.
    public func name(_ field: Field) -> UnsafeRawBufferPointer {
        guard field.nameEnd <= storage.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: storage.readable[Int(field.nameStart)..<Int(field.nameEnd)])
    }

    /// The bytes of a field's value, without the white space around it; none while a parser has not finished the head.
    public func value(_ field: Field) -> UnsafeRawBufferPointer {
        guard field.valueEnd <= storage.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: storage.readable[Int(field.valueStart)..<Int(field.valueEnd)])
    }

    /// Bytes of the head at `range`, as its parser placed them.
    public func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: storage.readable[range])
    }

    /// The value of the first field with this name.
    public func first(_ id: FieldName) -> UnsafeRawBufferPointer? {
        guard names.has(id) else { return nil }
        for index in 0..<entries.count where entries[index].id == id { return value(entries[index]) }
        return nil
    }

    /// The value of the first field with this name, known or not; `name` in lower case.
    public func first(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        for index in 0..<entries.count where entries[index].id != .removed {
            if Self.matches(self.name(entries[index]), name) { return value(entries[index]) }
        }
        return nil
    }

    /// Whether there is a field with this name, known or not; `name` in lower case.
    public func contains(_ name: StaticString) -> Bool {
        first(named: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)) != nil
    }

    /// Whether `name`, of any case, is `lowercased`.
    public static func matches(_ name: UnsafeRawBufferPointer, _ lowercased: UnsafeRawBufferPointer) -> Bool {
        guard name.count == lowercased.count else { return false }
        for index in 0..<name.count where ASCII.lowercased(name[index]) != lowercased[index] { return false }
        return true
    }

    /// Forgets everything and keeps the memory.
    public func removeAll() {
        storage.removeAll()
        entries.removeAll()
        names = []
    }

    /// Gives large memory back, so that one big head does not stay with its exchange.
    public func shrink() {
        removeAll()
        entries.shrink()
        if storage.capacity > 8192 { storage.release() }
    }

    /// Forgets everything, and gives the memory back.
    public func release() {
        storage.release()
        entries.release()
        names = []
    }

    /// Appends `name: value CRLF`.
    ///
    /// The caller has made sure that both are valid (RFC 9110 §5.1, §5.5); `id` is what ``FieldName/init(_:)`` says.
    public func append(_ id: FieldName, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let start = storage.count
        storage.reserve(name.count + value.count + 4)
        storage.append(name)
        storage.append(ASCII.colon)
        storage.append(ASCII.space)
        storage.append(value)
        finishLine(id, start: start, nameLength: name.count)
    }

    /// Appends a field whose name and value are known at compile time.
    public func append(_ id: FieldName, _ name: StaticString, _ value: StaticString) {
        append(
            id,
            UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount),
            UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount)
        )
    }

    /// Appends a field whose name is known at compile time.
    public func append(_ id: FieldName, _ name: StaticString, _ value: UnsafeRawBufferPointer) {
        append(id, UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value)
    }

    /// Appends a field whose value is a text.
    public func append(_ id: FieldName, _ name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { append(id, name, UnsafeRawBufferPointer($0)) }
    }

    /// Appends a field whose value is a decimal number.
    public func append(_ id: FieldName, _ name: StaticString, decimal value: Int) {
        let start = storage.count
        storage.append(name)
        storage.append(ASCII.colon)
        storage.append(ASCII.space)
        storage.append(decimal: value)
        finishLine(id, start: start, nameLength: name.utf8CodeUnitCount)
    }

    private func finishLine(_ id: FieldName, start: Int, nameLength: Int) {
        let end = storage.count
        storage.append(ASCII.carriageReturn)
        storage.append(ASCII.lineFeed)
        entries.append(
            Field(id: id, name: start..<start + nameLength, value: start + nameLength + 2..<end, lineEnd: end)
        )
        names.formUnion(FieldNameSet(id))
    }

    /// Becomes the same as another block.
    func copy(_ other: FieldBlock) {
        removeAll()
        storage.append(other.storage.readable)
        for index in 0..<other.entries.count { entries.append(other.entries[index]) }
        names = other.names
    }

    /// Takes out every field whose name is in `set`.
    public func remove(_ set: FieldNameSet) {
        guard names.rawValue & set.rawValue != 0 else { return }
        for index in 0..<entries.count where set.has(entries[index].id) { entries.rename(index, .removed) }
        names = FieldNameSet(rawValue: names.rawValue & ~set.rawValue)
    }

    /// Takes out every field with this name, known or not; `name` in lower case.
    public func remove(named name: UnsafeRawBufferPointer) {
        for index in 0..<entries.count where entries[index].id != .removed {
            if Self.matches(self.name(entries[index]), name) { entries.rename(index, .removed) }
        }
    }

    /// Gives the entry at `index` another number, as for a field that `Connection` nominates.
    public func mark(_ index: Int, as id: FieldName) {
        entries.rename(index, id)
        names.formUnion(FieldNameSet(id))
    }

    /// Appends the lines of every field whose name is not in `excluded` to `output`, neighbours in one copy.
    public func write(to output: inout ByteBuffer, excluding excluded: FieldNameSet = []) {
        let skipped = excluded.union(FieldNameSet(.removed))
        var runStart = 0
        var runEnd = 0
        for index in 0..<entries.count where !skipped.has(entries[index].id) {
            let field = entries[index]
            if Int(field.nameStart) != runEnd {
                if runEnd > runStart { output.append(bytes(runStart..<runEnd)) }
                runStart = Int(field.nameStart)
            }
            runEnd = Int(field.lineEnd) &+ 2
        }
        if runEnd > runStart { output.append(bytes(runStart..<runEnd)) }
    }

    // MARK: For parsers

    /// Adds an entry that a parser found, with offsets from the start of the head.
    func add(_ field: Field) {
        entries.append(field)
        names.formUnion(FieldNameSet(field.id))
    }

    /// Takes a copy of the whole head, to whose start the entries' offsets refer.
    func adopt(_ head: UnsafeRawBufferPointer) {
        assert(storage.isEmpty)
        storage.append(head)
    }

    /// Appends bytes that no field owns (a normalised path), and answers where they lie.
    func stash(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
        let start = storage.count
        storage.append(bytes)
        return start..<start + bytes.count
    }

    /// Appends a text that no field owns, and answers where it lies.
    func stash(_ text: StaticString) -> Range<Int> {
        stash(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the normal form of the path that lies at `range`, and answers where it lies.
    func stash(path range: Range<Int>, by normalizer: PathNormalizer) throws(PathFault) -> Range<Int> {
        storage.reserve(range.count)
        let start = storage.count
        let count = try normalizer.normalize(bytes(range), into: storage.writable)
        storage.commit(count)
        return start..<start + count
    }

    /// How many bytes the block holds, of which the entries say where they lie.
    var byteCount: Int { storage.count }
}
