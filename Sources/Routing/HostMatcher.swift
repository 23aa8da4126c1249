internal import PenstockBytes
internal import PenstockPatterns

/// Finds the narrowest host pattern for a request's host; each knows the next wider one.
///
/// A host is read once, from its end, whatever number of patterns there are.
struct HostMatcher: Sendable {
    /// All routes of one host pattern, or of none.
    struct Tier: Sendable {
        fileprivate let name: ByteTable.Slice
        fileprivate let isWildcard: Bool
        /// The root of its path tree.
        let root: Int32
        /// The tier of the next wider pattern, -1 after the last.
        fileprivate(set) var next: Int32
    }

    private(set) var tiers: [Tier] = []
    private var bytes = ByteTable()
    private var slots: [Int32] = [-1]
    private var hasWildcards = false
    /// The tier of routes without `hosts`, or -1.
    private var anyHostTier: Int32 = -1

    /// Builds the matcher.
    ///
    /// - Parameters:
    ///   - hosts: each pattern once, with the root of its path tree.
    ///   - anyHost: the root of the tree of routes without hosts, if there are any.
    init(hosts: [(pattern: HostPattern, root: Int32)], anyHost: Int32?) {
        slots = Array(repeating: -1, count: slotCount(for: hosts.count))
        // Wider wildcards first, so that each finds its next wider one in what is built already.
        let ordered = hosts.sorted { first, second in
            if first.pattern.isWildcard != second.pattern.isWildcard { return first.pattern.isWildcard }
            return first.pattern.name.utf8.count < second.pattern.name.utf8.count
        }
        if let anyHost {
            tiers.append(Tier(name: bytes.add([]), isWildcard: false, root: anyHost, next: -1))
            anyHostTier = 0
        }
        for host in ordered {
            let name = Array(host.pattern.name.utf8)
            let next = name.withUnsafeBytes { longestWildcard($0) }
            insert(Tier(name: bytes.add(name), isWildcard: host.pattern.isWildcard, root: host.root, next: next), name)
            hasWildcards = hasWildcards || host.pattern.isWildcard
        }
    }

    private mutating func insert(_ tier: Tier, _ name: [UInt8]) {
        var hash = ByteHash(seed: tier.isWildcard ? 1 : 0)
        for byte in name.reversed() { hash.combine(byte) }
        var slot = hash.value & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(tiers.count)
        tiers.append(tier)
    }

    /// The first tier to search for a request.
    ///
    /// - Parameter host: without port and final dot, in any case.
    /// - Returns: its number, or -1.
    func first(_ host: UnsafeRawBufferPointer) -> Int32 {
        guard slots.count > 1, host.count <= 255 else { return anyHostTier }
        var hash = ByteHash(seed: 0)
        var index = host.count
        while index > 0 {
            index &-= 1
            hash.combine(ASCII.lowercased(host[index]))
        }
        let exact = find(host, isWildcard: false, hash: hash.value)
        return exact >= 0 ? exact : longestWildcard(host)
    }

    private func longestWildcard(_ host: UnsafeRawBufferPointer) -> Int32 {
        var found = anyHostTier
        guard hasWildcards else { return found }
        var hash = ByteHash(seed: 1)
        var index = host.count
        while index > 1 {
            index &-= 1
            let byte = ASCII.lowercased(host[index])
            if byte == ASCII.dot {
                let suffix = UnsafeRawBufferPointer(rebasing: host[(index &+ 1)...])
                let tier = find(suffix, isWildcard: true, hash: hash.value)
                if tier >= 0 { found = tier }
            }
            hash.combine(byte)
        }
        return found
    }

    private func find(_ name: UnsafeRawBufferPointer, isWildcard: Bool, hash: Int) -> Int32 {
        var slot = hash & (slots.count - 1)
        while slots[slot] >= 0 {
            let tier = tiers[Int(slots[slot])]
            if tier.isWildcard == isWildcard, bytes.with(tier.name, { equals($0, name) }) { return slots[slot] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    private func equals(_ lowercased: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer) -> Bool {
        guard lowercased.count == name.count else { return false }
        for index in 0..<name.count where ASCII.lowercased(name[index]) != lowercased[index] { return false }
        return true
    }
}

/// A power of two that `count` entries fill by half at most; one empty slot for none.
func slotCount(for count: Int) -> Int {
    var slots = 1
    while count > 0, slots < count * 2 { slots *= 2 }
    return slots
}
