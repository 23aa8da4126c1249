internal import PenstockBytes
internal import PenstockPatterns

/// The paths of all routes as one array of nodes, with a root for each host pattern.
///
/// A search is depth first, the more specific branch first: literal, `{x}`, then the routes that take the rest. A node
/// is reached by one sequence of segments only, so a search visits each node at most once: whatever path is asked for,
/// the work is bounded by what is configured, and for usual tables it is the depth of the path. Children are found by
/// one hash table for all nodes.
struct PathTree: Sendable {
    /// A run of entries in ``leaves``.
    struct Leaf: Sendable {
        var start: Int32 = 0
        var count: Int32 = 0
    }

    /// The paths that begin with one sequence of segments.
    struct Node: Sendable {
        fileprivate var literal: ByteTable.Slice
        fileprivate var parent: Int32
        /// One of the literal children, -1 for none.
        fileprivate var firstLiteral: Int32 = -1
        fileprivate var hasMoreLiterals = false
        /// The child of `{x}`, -1 for none.
        var one: Int32 = -1
        /// Routes whose path ends here.
        var exact = Leaf()
        /// Routes whose path ends here if a final slash is added or taken away.
        var other = Leaf()
        /// Routes whose path ends with `{x+}` behind this node.
        var some = Leaf()
        /// Routes whose path ends with `{x*}` behind this node.
        var rest = Leaf()
    }

    let nodes: [Node]
    /// Routes, in the order in which they are tried.
    let leaves: [Int32]
    private let bytes: ByteTable
    private let slots: [Int32]

    /// The child of `node` for a segment with these bytes, or -1.
    @inline(__always)
    func literalChild(of node: Int32, _ segment: UnsafeRawBufferPointer) -> Int32 {
        let first = nodes[Int(node)].firstLiteral
        if first < 0 { return -1 }
        if bytes.equals(nodes[Int(first)].literal, segment) { return first }
        return nodes[Int(node)].hasMoreLiterals ? find(node, segment) : -1
    }

    private func find(_ node: Int32, _ segment: UnsafeRawBufferPointer) -> Int32 {
        var slot = Self.hash(node, segment) & (slots.count - 1)
        while slots[slot] >= 0 {
            let child = nodes[Int(slots[slot])]
            if child.parent == node, bytes.equals(child.literal, segment) { return slots[slot] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    @inline(__always)
    private static func hash(_ node: Int32, _ segment: UnsafeRawBufferPointer) -> Int {
        var hash = ByteHash(seed: Int(node))
        hash.combine(segment)
        return hash.value
    }

    /// Flattens what a ``Builder`` collected.
    ///
    /// - Parameters:
    ///   - builder: the nodes.
    ///   - precedes: whether the first of two routes with the same path is tried before the second.
    init(_ builder: borrowing Builder, precedes: (Int32, Int32) -> Bool) {
        var nodes = builder.nodes
        var leaves: [Int32] = []
        func flatten(_ routes: [Int32]) -> Leaf {
            let start = leaves.count
            leaves += routes.sorted(by: precedes)
            return Leaf(start: Int32(start), count: Int32(routes.count))
        }
        var slots = [Int32](repeating: -1, count: slotCount(for: nodes.count))
        for index in nodes.indices {
            let routes = builder.routes[index]
            nodes[index].exact = flatten(routes.exact)
            nodes[index].other = flatten(routes.other)
            nodes[index].some = flatten(routes.some)
            nodes[index].rest = flatten(routes.rest)
        }
        for (key, child) in builder.literals {
            var slot = key.segment.withUnsafeBytes { Self.hash(key.parent, $0) } & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = child
        }
        self.nodes = nodes
        self.leaves = leaves
        self.slots = slots
        bytes = builder.bytes
    }

    /// Collects routes.
    struct Builder {
        fileprivate struct Key: Hashable {
            let parent: Int32
            let segment: [UInt8]
        }

        fileprivate struct Routes {
            var exact: [Int32] = []
            var other: [Int32] = []
            var some: [Int32] = []
            var rest: [Int32] = []
        }

        fileprivate var nodes: [Node] = []
        fileprivate var routes: [Routes] = []
        fileprivate var literals: [Key: Int32] = [:]
        fileprivate var bytes = ByteTable()

        /// Adds an empty tree and answers its root.
        mutating func addRoot() -> Int32 { addNode(parent: -1, literal: []) }

        /// Adds a route to the tree with this root.
        mutating func add(_ index: Int32, _ route: RouteDescription, root: Int32) {
            add(index, route.path, to: \.exact, root: root)
            if let other = route.otherForm { add(index, other, to: \.other, root: root) }
        }

        private mutating func add(
            _ route: Int32,
            _ pattern: PathPattern,
            to leaf: WritableKeyPath<Routes, [Int32]>,
            root: Int32
        ) {
            var node = root
            for segment in pattern.segments {
                switch segment {
                case .literal(let text): node = literalChild(of: node, Array(text.utf8))
                case .one: node = oneChild(of: node)
                case .oneOrMore: return routes[Int(node)].some.append(route)
                case .rest: return routes[Int(node)].rest.append(route)
                }
            }
            routes[Int(node)][keyPath: leaf].append(route)
        }

        private mutating func addNode(parent: Int32, literal: [UInt8]) -> Int32 {
            nodes.append(Node(literal: bytes.add(literal), parent: parent))
            routes.append(Routes())
            return Int32(nodes.count - 1)
        }

        private mutating func literalChild(of parent: Int32, _ segment: [UInt8]) -> Int32 {
            let key = Key(parent: parent, segment: segment)
            if let child = literals[key] { return child }
            let child = addNode(parent: parent, literal: segment)
            literals[key] = child
            if nodes[Int(parent)].firstLiteral < 0 {
                nodes[Int(parent)].firstLiteral = child
            } else {
                nodes[Int(parent)].hasMoreLiterals = true
            }
            return child
        }

        private mutating func oneChild(of parent: Int32) -> Int32 {
            if nodes[Int(parent)].one >= 0 { return nodes[Int(parent)].one }
            let child = addNode(parent: parent, literal: [])
            nodes[Int(parent)].one = child
            return child
        }
    }
}
