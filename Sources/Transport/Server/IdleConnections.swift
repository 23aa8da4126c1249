/// Connections of one loop that have nothing under way, in the order in which they became idle.
///
/// A list through the connections themselves, so that to find one that may be closed costs the same however many others
/// a client keeps busy. Each connection takes itself out before it ends.
struct IdleConnections {
    /// A neighbour, which nobody counts: the server has all of them, and each request moves one.
    typealias Link = Unmanaged<ServerConnection>

    private var first: Link?
    private var last: Link?

    mutating func append(_ connection: ServerConnection) {
        let link = Link.passUnretained(connection)
        connection.idleBefore = last
        connection.idleAfter = nil
        if let last { last._withUnsafeGuaranteedRef { $0.idleAfter = link } } else { first = link }
        last = link
    }

    mutating func remove(_ connection: ServerConnection) {
        let (before, after) = (connection.idleBefore, connection.idleAfter)
        if let before { before._withUnsafeGuaranteedRef { $0.idleAfter = after } } else { first = after }
        if let after { after._withUnsafeGuaranteedRef { $0.idleBefore = before } } else { last = before }
        connection.idleBefore = nil
        connection.idleAfter = nil
    }

    /// The one that has been idle longest, of those that came in where `connections` counts; `nil` counts all.
    func oldest(in connections: ConnectionLimits?) -> ServerConnection? {
        var next = first
        while let connection = next?.takeUnretainedValue() {
            if connections == nil || connection.info.listener.connections === connections { return connection }
            next = connection.idleAfter
        }
        return nil
    }
}
