/// Carries something to another thread that its maker does not touch again.
struct Handover<Value>: @unchecked Sendable {  // one thread makes it, one other takes it, with a lock between them
    let value: Value

    init(_ value: Value) { self.value = value }
}
