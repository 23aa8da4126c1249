extension [SocketAddress] {
    /// The same addresses, IPv6 and IPv4 in turns and IPv6 first, those of a family in the order that they have
    /// (RFC 8305 section 4); each once.
    public func interleavedByFamily() -> [SocketAddress] {
        var seen: Set<SocketAddress> = []
        let unique = filter { seen.insert($0).inserted }
        let first = unique.filter { $0.family == .ipv6 }
        let second = unique.filter { $0.family != .ipv6 }
        var order: [SocketAddress] = []
        order.reserveCapacity(unique.count)
        for index in 0..<Swift.max(first.count, second.count) {
            if index < first.count { order.append(first[index]) }
            if index < second.count { order.append(second[index]) }
        }
        return order
    }
}
