/// The entries of a ``FieldBlock``: memory that grows and is kept from one message to the next.
///
/// An array would count references and look for a second owner at each step: half of the time that a head takes to
/// parse (measured).
struct FieldTable: ~Copyable {
    private var memory: UnsafeMutablePointer<Field>?
    private var capacity = 0

    /// How many entries there are.
    private(set) var count = 0

    /// An empty table, which holds no memory.
    init() {}

    deinit { memory?.deallocate() }

    /// The entry at `index`.
    subscript(index: Int) -> Field {
        @inline(__always) get {
            guard let memory, index >= 0, index < count else { preconditionFailure("no field \(index) of \(count)") }
            return memory[index]
        }
    }

    /// Appends an entry.
    @inline(__always) mutating func append(_ field: Field) {
        if count == capacity { grow() }
        guard let memory else { return }
        (memory + count).initialize(to: field)
        count &+= 1
    }

    /// Gives the entry at `index` another name.
    mutating func rename(_ index: Int, _ id: FieldName) {
        guard let memory, index >= 0, index < count else { preconditionFailure("no field \(index) of \(count)") }
        memory[index].id = id
    }

    /// Forgets all entries and keeps the memory.
    @inline(__always) mutating func removeAll() { count = 0 }

    /// Forgets all entries, and gives the memory back where it is more than an ordinary message needs.
    mutating func shrink() {
        count = 0
        if capacity > 64 { release() }
    }

    /// Forgets all entries, and gives the memory back.
    mutating func release() {
        count = 0
        memory?.deallocate()
        memory = nil
        capacity = 0
    }

    private mutating func grow() {
        let size = max(capacity * 2, 16)
        let larger = UnsafeMutablePointer<Field>.allocate(capacity: size)
        if let memory {
            larger.moveInitialize(from: memory, count: count)
            memory.deallocate()
        }
        memory = larger
        capacity = size
    }
}
