/// Connections of one loop that have nothing under way, in the order in which they became idle.
///
/// A list through the connections themselves, so that to find one that may be closed costs the same however many others
/// a client keeps busy. Each connection takes itself out before it ends.
struct IdleConnections {
    private unowned(unsafe) var first: ServerConnection?
    private unowned(unsafe) var last: ServerConnection?

    mutating func append(_ connection: ServerConnection) {
        connection.idleBefore = last
        connection.idleAfter = nil
        if let last { last.idleAfter = connection } else { first = connection }
        last = connection
    }

    mutating func remove(_ connection: ServerConnection) {
        let (before, after) = (connection.idleBefore, connection.idleAfter)
        if let before { before.idleAfter = after } else { first = after }
        if let after { after.idleBefore = before } else { last = before }
        connection.idleBefore = nil
        connection.idleAfter = nil
    }

    /// The one that has been idle longest, of those that came in where `connections` counts; `nil` counts all.
    func oldest(in connections: ConnectionLimits?) -> ServerConnection? {
        var next = first
        while let connection = next {
            if connections == nil || connection.info.listener.connections === connections { return connection }
            next = connection.idleAfter
        }
        return nil
    }
}
